// The row of a rollout and those of its homes: who leads, what is done, where it stopped. Every write names the fence, so
// that a runner which was superseded changes nothing.
import { RowhouseError } from '@rowhouse/contracts'
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'
import type { Outcome } from '../apply/outcome.ts'
import { isDisconnected, throwIfSuperseded } from '../apply/outcome.ts'
import type { Home } from './homes.ts'
import type { Rearranged } from '../run/resume-waves.ts'
import type { Wave } from '../run/waves.ts'

export interface RolloutRow {
  readonly id: string
  readonly fence: string
  readonly target: string
  /** Names of the waves, in order. */
  readonly waves: readonly string[]
  readonly isResumed: boolean
}

/**
 * Holds the lock of the one who rolls out for as long as the connection is open.
 *
 * @throws RowhouseError rollout_running
 */
export async function lead(catalogue: ClientBase): Promise<void> {
  const { rows } = await catalogue.query<{ leads: boolean }>(
    'select pg_try_advisory_lock(rowhouse.rollout_lock_key()) as leads',
  )
  if (rows[0]?.leads === true) return
  const { rows: running } = await catalogue.query<{ id: string; target: string; started_by: string; started_at: Date }>(
    `select id, target, started_by, started_at from rowhouse.rollouts where state = 'running'`,
  )
  const [other] = running
  throw new RowhouseError(
    'rollout_running',
    other === undefined
      ? 'Another program is about to roll out.'
      : `${other.started_by} rolls out ${other.target} since ${other.started_at.toISOString()}.`,
    { details: { rolloutId: other?.id ?? null } },
  )
}

export interface Unfinished {
  readonly id: string
  readonly target: string
  readonly state: string
  readonly waves: readonly string[]
  readonly isUnbegun: boolean
  /** Somebody holds its lock. */
  readonly isRunning: boolean
  readonly done: number
  readonly homes: number
}

/**
 * The rollout to go on with: the last one, where it has the same target and is not done. One that ended in its first wave before
 * any home was done is begun anew: another first wave may be wanted, and a server that is gone may have been in this one.
 */
export async function findUnfinished(catalogue: ClientBase, target: string): Promise<Unfinished | null> {
  const { rows } = await catalogue.query<Unfinished>(
    `select r.id, r.target, r.state, array(select jsonb_array_elements_text(r.options -> 'waves')) as waves,
       coalesce(r.code = 'rollout_canary_failed', false)
         and h.done = 0 as "isUnbegun",
       rowhouse.is_rolling_out() as "isRunning", h.done, h.homes
     from rowhouse.rollouts r
     cross join lateral (
       select (count(*) filter (where o.state = 'done'))::int as done, count(*)::int as homes
       from rowhouse.rollout_homes o where o.rollout_id = r.id
     ) h
     order by r.started_at desc limit 1`,
  )
  const [last] = rows
  return last !== undefined &&
    last.target === target &&
    !last.isUnbegun &&
    ['running', 'stopped', 'incomplete'].includes(last.state)
    ? last
    : null
}

/**
 * Opens a rollout or goes on with the last one. Homes that are new since come with its last wave.
 *
 * @param plan the waves of a new rollout, over the homes that lack the target; or what goes elsewhere in those of the one that is
 *   gone on with
 */
export async function openRollout(
  catalogue: ClientBase,
  {
    target,
    plan: { waves: planned, rearranged },
    options,
    startedBy,
  }: {
    readonly target: string
    readonly plan: { readonly waves: readonly Wave[]; readonly rearranged: Rearranged | null }
    readonly options: object
    readonly startedBy?: string | undefined
  },
): Promise<RolloutRow> {
  const unfinished = await findUnfinished(catalogue, target)
  await catalogue.query('begin')
  try {
    await catalogue.query(
      `update rowhouse.rollouts set state = 'superseded', finished_at = clock_timestamp()
       where state in ('running', 'stopped', 'incomplete') and id is distinct from $1`,
      [unfinished?.id ?? null],
    )
    // Another one may have ended and begun since it was planned.
    const change = rearranged !== null && rearranged.rolloutId === unfinished?.id ? rearranged : null
    const waves = change?.waves ?? unfinished?.waves ?? planned.map(({ name }) => name)
    const { rows } = await catalogue.query<{ id: string; fence: string }>(
      unfinished === null
        ? `insert into rowhouse.rollouts (target, fence, options, waves_total, started_by)
           values ($1, nextval('rowhouse.rollout_fences'), $2, $3, coalesce($4, session_user)) returning id, fence::text`
        : `update rowhouse.rollouts
           set fence = nextval('rowhouse.rollout_fences'), state = 'running', finished_at = null, code = null, message = null,
             cancelled_at = null, options = $2, waves_total = $3, started_by = coalesce($4, session_user),
             heartbeat_at = clock_timestamp()
           where id = $5 and target = $1 returning id, fence::text`,
      [
        target,
        JSON.stringify({ ...options, waves }),
        waves.length,
        startedBy ?? null,
        ...(unfinished === null ? [] : [unfinished.id]),
      ],
    )
    const { id, fence } = rows[0] as { id: string; fence: string }
    await catalogue.query(
      `update rowhouse.rollout_homes set state = 'waiting' where rollout_id = $1 and state in ('failed', 'blocked')`,
      [id],
    )
    const assigned = planned.flatMap(({ homes }, index) =>
      homes.map((home) => ({ home: home.id, wave: unfinished === null ? index : waves.length - 1 })),
    )
    await addHomes(catalogue, id, assigned)
    if (change !== null) await moveHomes(catalogue, id, target, change.moved)
    await catalogue.query('commit')
    return { id, fence, target, waves, isResumed: unfinished !== null }
  } catch (error) {
    await catalogue.query('rollback').catch(() => undefined)
    throw error
  }
}

async function addHomes(
  catalogue: ClientBase,
  rollout: string,
  assigned: readonly { readonly home: string; readonly wave: number }[],
): Promise<void> {
  await catalogue.query(
    `insert into rowhouse.rollout_homes (rollout_id, home_id, wave)
     select $1, a.home, a.wave from unnest($2::uuid[], $3::int[]) a (home, wave)
     on conflict do nothing`,
    [rollout, assigned.map(({ home }) => home), assigned.map(({ wave }) => wave)],
  )
}

/** To other waves; a home that has the target by now stays where it got it. */
async function moveHomes(
  catalogue: ClientBase,
  rollout: string,
  target: string,
  moved: Rearranged['moved'],
): Promise<void> {
  await catalogue.query(
    `update rowhouse.rollout_homes r set wave = m.wave
     from unnest($3::uuid[], $4::int[]) m (home, wave), rowhouse.homes h
     where r.rollout_id = $1 and r.home_id = m.home and h.id = m.home and coalesce(h.version, 0) < $2::bigint`,
    [rollout, target, [...moved.keys()], [...moved.values()]],
  )
}

/** Homes that came up meanwhile, as part of the last wave. */
export const addLateHomes = (catalogue: ClientBase, { id, waves }: RolloutRow, homes: readonly Home[]): Promise<void> =>
  addHomes(
    catalogue,
    id,
    homes.map((home) => ({ home: home.id, wave: waves.length - 1 })),
  )

export async function readWaveOf(catalogue: ClientBase, rollout: string): Promise<Map<string, number>> {
  const { rows } = await catalogue.query<{ home_id: string; wave: number }>(
    'select home_id, wave from rowhouse.rollout_homes where rollout_id = $1',
    [rollout],
  )
  return new Map(rows.map(({ home_id: home, wave }) => [home, wave]))
}

/** @throws RowhouseError rollout_superseded */
export async function recordHomes(
  catalogue: ClientBase,
  { id, fence }: RolloutRow,
  homes: readonly string[],
  outcome:
    | Outcome
    | { readonly state: 'reached' }
    | { readonly state: 'blocked'; readonly code: string; readonly message: string },
  version: string,
): Promise<void> {
  const state = outcome.state === 'later' || outcome.state === 'reached' ? 'waiting' : outcome.state
  const isFailed = outcome.state === 'failed'
  const said = 'code' in outcome ? outcome : null
  try {
    await catalogue.query('select rowhouse.record_rollout_homes($1, $2, $3, $4, $5, $6, $7, $8)', [
      id,
      fence,
      homes,
      state,
      outcome.state === 'later' || outcome.state === 'blocked' ? null : isFailed ? outcome.version : version,
      said?.code ?? null,
      said?.message ?? null,
      isFailed ? outcome.line : null,
    ])
  } catch (error) {
    throwIfSuperseded(error)
    throw ledgerLost(error)
  }
}

/** With the connection went the lock of the one who rolls out: nothing more may be begun. */
export const ledgerLost = (error: unknown): unknown =>
  isDisconnected(error)
    ? new RowhouseError('rollout_interrupted', `The catalogue does not answer: ${(error as Error).message}`, {
        cause: error,
      })
    : error

export async function enterWave(catalogue: ClientBase, { id, fence }: RolloutRow, wave: number): Promise<void> {
  await catalogue.query(
    'update rowhouse.rollouts set wave = $3, heartbeat_at = clock_timestamp() where id = $1 and fence = $2',
    [id, fence, wave],
  )
}

/** Says that the runner is alive, and asks whether it shall stop. @throws RowhouseError rollout_superseded */
export async function beat(
  catalogue: ClientBase,
  { id, fence }: RolloutRow,
): Promise<{ readonly isCancelled: boolean }> {
  const { rows } = await catalogue.query<{ isCancelled: boolean }>(
    `update rowhouse.rollouts set heartbeat_at = clock_timestamp()
     where id = $1 and fence = $2 and state = 'running' returning cancelled_at is not null as "isCancelled"`,
    [id, fence],
  )
  const [row] = rows
  if (row === undefined) throw new RowhouseError('rollout_superseded')
  return row
}

/** New homes get the migrations up to this one from now on. */
export async function releaseMigrations(catalogue: ClientBase, target: string): Promise<void> {
  await catalogue.query(
    'update rowhouse.tenant_migrations set released_at = now() where version <= $1 and released_at is null',
    [target],
  )
}

export async function closeRollout(
  catalogue: ClientBase,
  { id, fence }: RolloutRow,
  state: 'stopped' | 'incomplete' | 'done',
  why: { readonly code: string; readonly message: string } | null,
): Promise<void> {
  await catalogue.query(
    `update rowhouse.rollouts set state = $3, code = $4, message = left($5, 2000), finished_at = clock_timestamp()
     where id = $1 and fence = $2 and state = 'running'`,
    [id, fence, state, why?.code ?? null, why?.message ?? null],
  )
}

/** Keeps runners with a lower fence out of a database. @throws RowhouseError rollout_superseded */
export async function raiseFence(client: ClientBase, fence: string): Promise<void> {
  try {
    await client.query(`set lock_timeout = '60s'`)
    await client.query('select rowhouse.raise_rollout_fence($1)', [fence])
    await client.query('reset lock_timeout')
  } catch (error) {
    throwIfSuperseded(error)
    if (error instanceof DatabaseError && error.code === '55P03') {
      throw new RowhouseError('rollout_running', 'A runner that was superseded has not ended its transaction yet.', {
        cause: error,
      })
    }
    throw error
  }
}
