// Fills organization_id of the rows that were there before, a few pages at a time.
//
// By pages (ctid ranges), not by ranges of the key: with random keys a batch of 5,000 rows touches 5,000 pages, each
// written whole to the WAL after every checkpoint; by pages it touches a hundred, in the order they lie on disk. It
// also needs no key. What pages cannot promise, the passes do: a row that moved meanwhile was written, so the trigger
// filled it; and after each pass the table is asked whether a row was missed (VACUUM FULL may move them all).
import { DatabaseError, escapeLiteral } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { adoptPace } from '../generated/queries.ts'
import { quote } from './names.ts'
import { isInTheWay } from './in-the-way.ts'
import type { Surroundings } from './run-step.ts'
import { recordStep } from './state.ts'
import type { Adoption, StoredStep } from './state.ts'
import type { Backfill } from './step.ts'

const PASSES_MAX = 5
const PAGES_START = 8
const PAGES_MAX = 4096
const EXAMPLES_MAX = 5
/** Between two looks at standbys and at who waits. */
const LOOK_EVERY_MS = 500
const PAUSE_MS = 250

export interface RowsProgress {
  readonly rowsDone: number
  readonly pagesDone: number
  readonly pagesTotal: number
  readonly pass: number
}

/** @throws RowhouseError adopt_orphans, adopt_expression_failed, adopt_lock_timeout */
export async function runBackfill(
  around: Surroundings,
  adoption: Adoption,
  step: StoredStep,
  onRows: (progress: RowsProgress) => void,
): Promise<void> {
  const backfill = step.backfill as Backfill
  let { pass, block, rowsDone } = step
  for (; ; pass += 1, block = 0) {
    if (backfill.expression !== null)
      rowsDone = await runPass(around, adoption, step, { pass, block, rowsDone }, onRows)
    const missing = await countMissing(around, step)
    if (missing === 0) break
    // The next run begins a new pass: by then the user may have mended the rows.
    await around.client.query(
      'update rowhouse.adoption_steps set pass = $3, block = 0 where adoption_id = $1 and position = $2',
      [adoption.id, step.position, pass + 1],
    )
    const orphans = await readOrphans(around, step)
    if (orphans.count > 0 || pass >= step.pass + PASSES_MAX)
      throw orphansError(step, orphans.count || missing, orphans.examples)
  }
  await around.client.query(recordStep(adoption, step, 'finished_at'))
}

interface Position {
  readonly pass: number
  readonly block: number
  readonly rowsDone: number
}

async function runPass(
  around: Surroundings,
  adoption: Adoption,
  step: StoredStep,
  start: Position,
  onRows: (progress: RowsProgress) => void,
): Promise<number> {
  const { client, pace, now, wait, checkSignal, onWaiting } = around
  // Rows that come behind this page were written after the trigger was there.
  const { rows } = await client.query<{ pages: number }>(
    "select (pg_relation_size($1::bigint::oid::regclass) / current_setting('block_size')::int)::float8 as pages",
    [(step.backfill as Backfill).oid],
  )
  const pagesTotal = rows[0]?.pages ?? 0
  let { block, rowsDone } = start
  let pages = PAGES_START
  let lookedAt = 0
  let failures = 0
  let waitingSince = now()
  while (block < pagesTotal) {
    checkSignal()
    if (now() - lookedAt > LOOK_EVERY_MS) {
      await yieldToOthers(around)
      lookedAt = now()
    }
    const end = Math.min(block + pages, pagesTotal)
    const startedAt = now()
    try {
      rowsDone = await runBatch(around, adoption, step, { pass: start.pass, block }, end)
    } catch (error) {
      if (!isInTheWay(error)) throw error
      failures += 1
      if (now() - waitingSince > pace.lockWaitMaxMs)
        throw new RowhouseError(
          'adopt_lock_timeout',
          `Rows of ${step.table} stayed locked for ${pace.lockWaitMaxMs} ms.`,
          {
            cause: error,
          },
        )
      if (failures % 20 === 0) onWaiting('rows that another transaction has locked')
      pages = Math.max(1, pages >> 1)
      await wait(Math.min(1000, 20 * 2 ** Math.min(failures, 6)))
      continue
    }
    failures = 0
    waitingSince = now()
    const tookMs = now() - startedAt
    block = end
    onRows({ rowsDone, pagesDone: block, pagesTotal, pass: start.pass })
    // Towards the wanted length, at most half as many again at once: the next ones may hold more rows.
    pages = Math.max(
      1,
      Math.min(PAGES_MAX, Math.ceil(pages * 1.5), Math.floor((pages * pace.batchMs) / Math.max(tookMs, 1))),
    )
    if (pace.rest > 0) await wait((tookMs * pace.rest) / (1 - pace.rest))
  }
  return rowsDone
}

/** The rows and the position in one message and one transaction. Returns how many rows are filled now. */
async function runBatch(
  { client, pace }: Surroundings,
  adoption: Adoption,
  step: StoredStep,
  { pass, block }: Omit<Position, 'rowsDone'>,
  end: number,
): Promise<number> {
  const { alias, expression, orphansTo } = step.backfill as Backfill
  const range = (row: string): string => `${row}.ctid >= '(${block},0)' and ${row}.ctid < '(${end},0)'`
  const known = orphansTo === null ? 'o.id' : `coalesce(o.id, ${escapeLiteral(orphansTo)}::uuid)`
  const text = [
    'begin',
    `set local lock_timeout = ${pace.lockTimeoutMs}`,
    `with found as materialized (
       select ${quote(alias)}.ctid as row, (${expression}) as organization
       from only ${step.table} as ${quote(alias)}
       where ${range(quote(alias))} and ${quote(alias)}.organization_id is null
     ), filled as (
       update only ${step.table} as rowhouse_target set organization_id = ${known}
       from found f left join rowhouse.organizations o on o.id = f.organization
       where rowhouse_target.ctid = f.row and ${range('rowhouse_target')}
         and rowhouse_target.organization_id is null and ${known} is not null
       returning 1
     )
     update rowhouse.adoption_steps s
     set pass = ${pass}, block = ${end}, rows_done = s.rows_done + (select count(*) from filled)
     where s.adoption_id = ${Number(adoption.id)} and s.position = ${step.position}
     returning s.rows_done::float8 as "rowsDone"`,
    'commit',
  ].join(';\n')
  try {
    // pg gives an array for a message of several statements; its types know one.
    const results = (await client.query(text)) as unknown as readonly {
      readonly rows: readonly { rowsDone: number }[]
    }[]
    return results[2]?.rows[0]?.rowsDone ?? 0
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    if (isInTheWay(error) || !(error instanceof DatabaseError) || isOfServer(error)) throw error
    throw new RowhouseError(
      'adopt_expression_failed',
      `The expression of ${step.table} failed on pages ${block} to ${end}: ${error.message}.`,
      { details: { sqlstate: error.code, pages: [block, end] }, cause: error },
    )
  }
}

/** Disk full, memory, shutdown: nothing to do with the rows. */
const isOfServer = (error: DatabaseError): boolean => /^(08|25|53|57|58|XX)/.test(error.code ?? '')

/** Waits while a standby is far behind, or while sessions wait for this one. */
export async function yieldToOthers({ client, pace, wait, checkSignal, onWaiting }: Surroundings): Promise<void> {
  for (let look = 1; ; look += 1) {
    checkSignal()
    const { rows } = await client.query<{ lagMs: number | null; waiting: number }>(adoptPace, [
      (client as unknown as { processID: number }).processID,
    ])
    const { lagMs, waiting } = rows[0] as { lagMs: number | null; waiting: number }
    if ((lagMs ?? 0) <= pace.lagMaxMs && waiting === 0) return
    if (look % 20 === 1)
      onWaiting(waiting > 0 ? `${waiting} sessions that wait` : `a standby ${Math.round(lagMs ?? 0)} ms behind`)
    await wait(PAUSE_MS)
  }
}

async function countMissing({ client }: Surroundings, step: StoredStep): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `select count(*) from only ${step.table} where organization_id is null`,
  )
  return Number(rows[0]?.count ?? 0)
}

interface Orphans {
  readonly count: number
  readonly examples: readonly unknown[]
}

/** Rows whose expression gives no organization, or one that is not in rowhouse.organizations. */
async function readOrphans({ client }: Surroundings, step: StoredStep): Promise<Orphans> {
  const { alias, expression, keyColumns } = step.backfill as Backfill
  const name = quote(alias)
  const key = keyColumns.map((column) => `${name}.${quote(column)}::text`).join(', ')
  const { rows } = await client.query<{ key: string[]; organization: string | null; count: string }>(
    `select array[${key}]::text[] as key, f.organization::text as organization, count(*) over () as count
     from only ${step.table} as ${name}
     cross join lateral (select (${expression ?? 'null::uuid'}) as organization) f
     left join rowhouse.organizations o on o.id = f.organization
     where ${name}.organization_id is null and o.id is null
     limit ${EXAMPLES_MAX}`,
  )
  return {
    count: Number(rows[0]?.count ?? 0),
    examples: rows.map((row) => ({
      key: Object.fromEntries(keyColumns.map((column, index) => [column, row.key[index]])),
      organization: row.organization,
    })),
  }
}

function orphansError(step: StoredStep, count: number, examples: readonly unknown[]): RowhouseError {
  return new RowhouseError(
    'adopt_orphans',
    `${count} rows of ${step.table} belong to no known organization, such as ${JSON.stringify(examples)}.`,
    { details: { table: step.table, count, examples } },
  )
}
