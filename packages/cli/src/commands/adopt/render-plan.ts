// The plan for people: every statement in order, with the lock it takes and what it waits for.
import type { Plan, Step } from '@rowhouse/database'

export function renderPlan({ tables, steps }: Plan): string {
  const head = tables.map(
    ({ qualified, rows, policies, publications }) =>
      `-- ${qualified}: about ${rows} rows${policies.length > 0 ? `; replaces ${policies.length} policies of hand` : ''}${
        publications.length > 0 ? `; in publication ${publications.join(', ')}` : ''
      }`,
  )
  const saved = tables.flatMap(({ policies }) => policies.map(({ definition }) => `-- kept for later: ${definition}`))
  const additive = steps.filter(({ isFinal }) => isFinal !== true)
  const final = steps.filter(({ isFinal }) => isFinal === true)
  return [
    ...head,
    ...saved,
    '',
    ...additive.map((step, index) => renderStep(step, index + 1)),
    '-- Until here --undo takes all of it back. The last steps ask before they begin.',
    '',
    ...final.map((step, index) => renderStep(step, additive.length + index + 1)),
  ].join('\n')
}

const how = {
  short: 'one transaction; gives up and tries again rather than wait in the queue of a lock',
  long: 'stops neither reads nor writes',
  index: 'built concurrently; stops neither reads nor writes',
  backfill: 'many short transactions, each over some pages',
} as const

function renderStep({ table, name, mode, statements }: Step, position: number): string {
  return [
    `-- ${position}. ${table}: ${name} (${how[mode]})`,
    ...statements.map(({ sql, lock, waits }) => `--    lock: ${lock}; waits for: ${waits}\n${sql};`),
    '',
  ].join('\n')
}
