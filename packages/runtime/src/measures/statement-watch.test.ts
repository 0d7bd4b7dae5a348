import { expect, it } from 'vitest'

import type { Outcome } from '../wire/batch.ts'
import { Measures } from './measures.ts'
import { StatementWatch } from './statement-watch.ts'

const outcome = (changes: Partial<Outcome>): Outcome => ({
  status: 'I',
  error: null,
  completed: 2,
  reached: true,
  bytes: 120,
  returnsRows: true,
  result: { command: 'SELECT', rowCount: 3, oid: null, fields: [], rows: [] },
  ...changes,
})
const nothing = (): void => {}

it('counts what was reached, with an error or without, and not what was refused at the door', () => {
  const measures = new Measures(nothing, nothing)
  const watch = new StatementWatch(measures, { org: 'a', kind: 'user' })
  const refused = new Error('not a member')
  watch.ended('select 1', 0, outcome({ reached: false, error: refused }))
  expect(measures.cells).toBe(0)
  watch.ended('select 1', 0, outcome({ error: refused }))
  watch.ended('select 1', 0, outcome({}))
  const [cell] = [...(measures.take().own.get('a')?.values() ?? [])]
  expect(cell).toMatchObject({ calls: 2, errors: 1, rows: 3, bytes: 240 })
})

it('counts nothing for nobody, and nothing where it is left out', () => {
  const measures = new Measures(nothing, nothing)
  new StatementWatch(measures, { org: null, kind: 'user' }).ended('select 1', 0, outcome({}))
  new StatementWatch(null, { org: 'a', kind: 'user' }).ended('select 1', 0, outcome({}))
  expect(measures.cells).toBe(0)
})

it('counts what nobody in the organization waits for in the background', () => {
  const measures = new Measures(nothing, nothing)
  for (const kind of ['user', 'service', 'sync', 'report', 'operator'] as const)
    new StatementWatch(measures, { org: kind, kind }).ended('select 1', 0, outcome({}))
  const { own, background } = measures.take()
  expect([...own.keys()]).toEqual(['user', 'service'])
  expect([...background.keys()]).toEqual(['sync', 'report', 'operator'])
})
