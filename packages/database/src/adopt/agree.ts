// Rows whose organization is not that of the row they refer to, found when a composite foreign key is validated. A row
// can be written in the same moment in which its parent moves: it took the organization that it could see. Those are
// filled again, by their expression; what still disagrees is wrong in the data, and is named.
import { DatabaseError } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { quote } from './names.ts'
import { isInTheWay } from './in-the-way.ts'
import type { Surroundings } from './run-step.ts'
import type { StoredStep } from './state.ts'
import type { Agreement } from './step.ts'

const ROUNDS_MAX = 5
const BATCH_ROWS = 500
const FOUND_MAX = 50_000
const EXAMPLES_MAX = 5
const FOREIGN_KEY_VIOLATION = '23503'

/**
 * Validates a foreign key; where rows disagree, fills them again and validates once more, a few times at most.
 *
 * @throws RowhouseError adopt_references_differ
 */
export async function validateAgreeing(
  around: Surroundings,
  step: StoredStep,
  validate: () => Promise<void>,
): Promise<void> {
  for (let round = 1; ; round += 1) {
    around.checkSignal()
    try {
      await validate()
      return
    } catch (cause) {
      const agreement = step.agreement
      if (agreement === undefined || !(cause instanceof DatabaseError) || cause.code !== FOREIGN_KEY_VIOLATION)
        throw cause
      const filled = await fillAgain(around, step, agreement)
      if (filled > 0 && round < ROUNDS_MAX) continue
      const { count, examples } = await readDiffering(around, step, agreement)
      // Not of the organization's: a row without parent, which the old key could not have let in.
      if (count === 0) throw cause
      throw new RowhouseError(
        'adopt_references_differ',
        `${count} rows of ${step.table} refer to rows of ${agreement.targetName} in another organization, such as ${JSON.stringify(examples)}.`,
        { details: { table: step.table, target: agreement.targetName, count, examples }, cause },
      )
    }
  }
}

const pairsOf = ({ columns, targetColumns }: Agreement): string =>
  columns
    .map(
      (column, index) => `rowhouse_parent.${quote(targetColumns[index] as string)} = rowhouse_child.${quote(column)}`,
    )
    .join(' and ')

const differing = (step: StoredStep, agreement: Agreement): string =>
  `only ${step.table} as rowhouse_child join ${agreement.targetName} as rowhouse_parent on ${pairsOf(agreement)}
   where rowhouse_parent.organization_id is distinct from rowhouse_child.organization_id`

/**
 * The table's triggers fire, and foreign keys are asked: a reference that was validated before must still hold.
 *
 * @returns how many rows have another organization now
 */
async function fillAgain(around: Surroundings, step: StoredStep, agreement: Agreement): Promise<number> {
  const { expression, alias } = agreement
  if (expression === null) return 0
  const { rows } = await around.client.query<{ row: string }>(
    `select rowhouse_child.ctid::text as row from ${differing(step, agreement)} limit ${FOUND_MAX}`,
  )
  let filled = 0
  for (let from = 0; from < rows.length; from += BATCH_ROWS) {
    around.checkSignal()
    filled += await fillBatch(
      around,
      // A place that another row took meanwhile harms nothing: its expression is as true.
      `update only ${step.table} as ${quote(alias)} set organization_id = (${expression})
       where ${quote(alias)}.ctid = any ($1::tid[]) and ${quote(alias)}.organization_id <> (${expression})`,
      rows.slice(from, from + BATCH_ROWS).map(({ row }) => row),
    )
  }
  return filled
}

async function fillBatch(
  { client, pace, now, wait, checkSignal, onWaiting }: Surroundings,
  text: string,
  rows: readonly string[],
): Promise<number> {
  const until = now() + pace.lockWaitMaxMs
  for (let attempt = 1; ; attempt += 1) {
    checkSignal()
    try {
      await client.query(`begin; set local lock_timeout = ${pace.lockTimeoutMs}`)
      const { rowCount } = await client.query(text, [rows])
      await client.query('commit')
      return rowCount ?? 0
    } catch (error) {
      await client.query('rollback').catch(() => undefined)
      if (!isInTheWay(error)) throw error
      if (now() > until)
        throw new RowhouseError('adopt_lock_timeout', `Rows stayed locked for ${pace.lockWaitMaxMs} ms.`, {
          cause: error,
        })
      if (attempt % 20 === 0) onWaiting('rows that another transaction has locked')
    }
    await wait(Math.min(1000, 20 * 2 ** Math.min(attempt, 6)))
  }
}

async function readDiffering(
  { client }: Surroundings,
  step: StoredStep,
  agreement: Agreement,
): Promise<{ count: number; examples: readonly unknown[] }> {
  const key = agreement.keyColumns.map((column) => `rowhouse_child.${quote(column)}::text`).join(', ')
  const { rows } = await client.query<{ key: string[]; organization: string; refersTo: string; count: string }>(
    `select array[${key}]::text[] as key, rowhouse_child.organization_id::text as organization,
       rowhouse_parent.organization_id::text as "refersTo", count(*) over () as count
     from ${differing(step, agreement)} limit ${EXAMPLES_MAX}`,
  )
  return {
    count: Number(rows[0]?.count ?? 0),
    examples: rows.map(({ key: values, organization, refersTo }) => ({
      key: Object.fromEntries(agreement.keyColumns.map((column, index) => [column, values[index]])),
      organization,
      refersTo,
    })),
  }
}
