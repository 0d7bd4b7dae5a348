// Runs one step of each mode but the backfill. Nothing here waits in a lock's queue for longer than the lock timeout:
// whoever waits for an exclusive lock makes all who come after it wait too.
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { adoptHolders } from '../generated/queries.ts'
import { validateAgreeing } from './agree.ts'
import { isInTheWay } from './in-the-way.ts'
import { recordStep } from './state.ts'
import type { Adoption, StoredStep } from './state.ts'
import { quote } from './names.ts'

export interface Pace {
  /** Longest wait for a lock, in the queue of which others wait too. @default 50 */
  readonly lockTimeoutMs: number
  /** Longest run of a statement under an exclusive lock; it is then rolled back. @default 140 */
  readonly switchTimeoutMs: number
  /** How long a step tries to get its lock. @default 600_000 */
  readonly lockWaitMaxMs: number
  /** Longest transaction of the backfill: a writer of one of its rows waits as long. @default 40 */
  readonly batchMs: number
  /** Share of the time that the backfill rests, 0 to 0.95. @default 0.25 */
  readonly rest: number
  /** A standby this far behind makes the backfill wait. @default 5_000 */
  readonly lagMaxMs: number
}

export const defaultPace: Pace = {
  lockTimeoutMs: 50,
  switchTimeoutMs: 140,
  lockWaitMaxMs: 600_000,
  batchMs: 40,
  rest: 0.25,
  lagMaxMs: 5000,
}

export interface Surroundings {
  readonly client: ClientBase
  readonly pace: Pace
  readonly now: () => number
  readonly wait: (ms: number) => Promise<unknown>
  readonly random: () => number
  /** Throws when the run is to end. */
  readonly checkSignal: () => void
  readonly onWaiting: (reason: string) => void
}

const BACKOFF_MAX_MS = 1000
/**
 * Autovacuum gives way to whoever has waited for deadlock_timeout (1 s unless it was set), so a queue that is left after
 * milliseconds waits until it has ended: on a large table for minutes.
 */
const VACUUM_TIMEOUT_MS = 5000
/** A statement that ran out of time so often does so by itself. */
const TIMEOUTS_MAX = 30
/** All statements in one transaction and one message: no lock is held for the time of a network round trip. */
export async function runShort(
  { client, pace, now, wait, random, checkSignal, onWaiting }: Surroundings,
  adoption: Adoption,
  statements: readonly string[],
): Promise<void> {
  const text = [
    'begin',
    // In this queue readers and writers wait for nobody; once it is granted, no vacuum is in the way of the next lock.
    `set local lock_timeout = ${VACUUM_TIMEOUT_MS}`,
    `lock table ${adoption.tables.join(', ')} in share update exclusive mode`,
    `set local lock_timeout = ${pace.lockTimeoutMs}`,
    `set local statement_timeout = ${pace.switchTimeoutMs}`,
    ...statements,
    'commit',
  ].join(';\n')
  const until = now() + pace.lockWaitMaxMs
  let timeouts = 0
  for (let attempt = 1; ; attempt += 1) {
    checkSignal()
    try {
      await client.query(text)
      return
    } catch (error) {
      if (!isInTheWay(error)) {
        await rollback(client)
        throw error
      }
      await rollback(client)
      timeouts += error instanceof DatabaseError && error.code === '57014' ? 1 : 0
      if (timeouts >= TIMEOUTS_MAX)
        throw new RowhouseError(
          'adopt_lock_timeout',
          `It took longer than ${pace.switchTimeoutMs} ms under its lock, ${timeouts} times.`,
          { hint: 'Run it when the server has less to do, or allow more with --lock-hold.', cause: error },
        )
      const holders = await readHolders(client, adoption)
      if (now() > until)
        throw new RowhouseError('adopt_lock_timeout', `No lock was to be had in ${pace.lockWaitMaxMs} ms.`, {
          details: { holders, attempts: attempt },
          cause: error,
        })
      if (attempt % 10 === 0) onWaiting(`a lock; ${describe(holders)}`)
    }
    await wait(Math.min(BACKOFF_MAX_MS, 20 * 2 ** Math.min(attempt, 6)) * (0.5 + random()))
  }
}

async function rollback(client: ClientBase): Promise<void> {
  // A connection that broke rolled back by itself; what is thrown is why.
  await client.query('rollback').catch(() => undefined)
}

interface Holder {
  readonly pid: number
  readonly login: string | null
  readonly application: string | null
  readonly openMs: string | null
}

const readHolders = async (client: ClientBase, { tableIds }: Adoption): Promise<Holder[]> =>
  (await client.query<Holder>(adoptHolders, [tableIds])).rows

const describe = (holders: readonly Holder[]): string =>
  holders
    .map(
      ({ pid, application, login, openMs }) =>
        `${application || login || 'pid'} ${pid}${openMs === null ? '' : ` for ${openMs} ms`}`,
    )
    .join(', ') || 'its holders are gone'

/** Each statement stops nobody and may be run again, so it waits for as long as it takes. */
export async function runLong(around: Surroundings, adoption: Adoption, step: StoredStep): Promise<void> {
  const { client } = around
  await validateAgreeing(around, step, async () => {
    for (const { sql } of step.statements) await client.query(sql)
  })
  await client.query(recordStep(adoption, step, 'finished_at'))
}

/** An index that an earlier run left half made is dropped; one that is whole is kept. */
export async function buildIndex({ client }: Surroundings, adoption: Adoption, step: StoredStep): Promise<void> {
  const { schema, name } = step.index as { schema: string; name: string }
  const { rows } = await client.query<{ valid: boolean }>(
    `select i.indisvalid as valid from pg_index i join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schema, name],
  )
  if (rows[0]?.valid === false) await client.query(`drop index concurrently if exists ${quote(schema)}.${quote(name)}`)
  if (rows[0]?.valid !== true) for (const { sql } of step.statements) await client.query(sql)
  await client.query(recordStep(adoption, step, 'finished_at'))
}
