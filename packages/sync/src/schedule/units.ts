// Units of work, (connection, lane), in the catalogue: who holds which, until when, and when the next is due.
// All times are the database's. A unit is taken with a new epoch; whoever held it before can write nothing.
import { RowhouseError } from '@rowhouse/contracts'
import type { Pool } from 'pg'
import type { Lane } from '../state/connection-state.ts'

export interface Unit {
  readonly connectionId: string
  readonly organizationId: string
  readonly lane: Lane
  readonly epoch: string
  /** As it was when taken; a later one means somebody woke the unit while it ran. */
  readonly wake: string
  readonly attempts: number
  /** Whoever held it before did not give it back: it died, or its lease ran out. */
  readonly inherited: boolean
}

export interface ClaimOptions {
  readonly worker: string
  readonly leaseMs: number
  readonly limit: number
  /** Lanes that have a free slot now. */
  readonly lanes: readonly Lane[]
}

export interface Tick {
  /** What was seen; the next question is about what came after it. */
  readonly snapshot: string
  /** Outbound lanes that became due by changes. */
  readonly woken: number
  readonly units: readonly Unit[]
  /** When a unit is due that was not taken; null: none within the horizon. */
  readonly nextMs: number | null
}

/**
 * One question for all that a worker wants to know: who has changes since `snapshot`, and which units it is to run, of which
 * it holds those it is given. Units that have been due longest come first, live lanes before the backfill.
 */
export async function tick(
  pool: Pool,
  snapshot: string | null,
  { worker, leaseMs, limit, lanes }: ClaimOptions,
  horizonMs: number,
): Promise<Tick> {
  const { rows } = await pool.query<{ snapshot: string; woken: number; units: Unit[]; next_ms: number | null }>(
    'select * from rowhouse.sync_tick($1::pg_catalog.pg_snapshot, $2, $3, $4, $5, $6)',
    [snapshot, worker, leaseMs, limit, lanes, horizonMs],
  )
  const [row] = rows
  if (row === undefined) throw new RowhouseError('internal', 'The catalogue answered nothing.')
  return { snapshot: row.snapshot, woken: row.woken, units: row.units, nextMs: row.next_ms }
}

/** Takes the units that have been due longest. */
export async function claimUnits(pool: Pool, options: ClaimOptions): Promise<Unit[]> {
  const { rows } = await pool.query<{
    connection_id: string
    organization_id: string
    lane: Lane
    epoch: string
    wake: string
    attempts: number
    inherited: boolean
  }>(
    `with due as materialized (
       select u.connection_id, u.lane, u.leased_until is not null as inherited from rowhouse.sync_units u
       where u.enabled and u.due_at <= clock_timestamp() and u.not_before <= clock_timestamp()
         and (u.leased_until is null or u.leased_until <= clock_timestamp())
         and u.lane = any ($4)
       order by u.due_at
       limit $3
       for update skip locked
     )
     update rowhouse.sync_units u
     set worker = $1, epoch = u.epoch + 1, leased_until = clock_timestamp() + $2 * interval '1 millisecond'
     from due
     where u.connection_id = due.connection_id and u.lane = due.lane
     returning u.connection_id, u.organization_id, u.lane, u.epoch::text, u.wake::text, u.attempts, due.inherited`,
    [options.worker, options.leaseMs, options.limit, options.lanes],
  )
  return rows.map((row) => ({
    connectionId: row.connection_id,
    organizationId: row.organization_id,
    lane: row.lane,
    epoch: row.epoch,
    wake: row.wake,
    attempts: row.attempts,
    inherited: row.inherited,
  }))
}

/** Keeps a unit a while longer; false when it has been taken over. */
export async function renewUnit(pool: Pool, unit: Unit, leaseMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update rowhouse.sync_units u
     set leased_until = clock_timestamp() + $4 * interval '1 millisecond'
     where u.connection_id = $1 and u.lane = $2 and u.epoch = $3`,
    [unit.connectionId, unit.lane, unit.epoch, leaseMs],
  )
  return rowCount === 1
}

/** Keeps many units of one lane a while longer; the connections of those that are still held and wanted. */
export async function renewUnits(pool: Pool, units: readonly Unit[], leaseMs: number): Promise<Set<string>> {
  const { rows } = await pool.query<{ connection_id: string }>(
    `update rowhouse.sync_units u
     set leased_until = clock_timestamp() + $4 * interval '1 millisecond'
     from unnest($1::uuid[], $2::text[], $3::bigint[]) as h(connection_id, lane, epoch)
     where u.connection_id = h.connection_id and u.lane = h.lane and u.epoch = h.epoch and u.enabled
     returning u.connection_id`,
    [
      units.map(({ connectionId }) => connectionId),
      units.map(({ lane }) => lane),
      units.map(({ epoch }) => epoch),
      leaseMs,
    ],
  )
  return new Set(rows.map((row) => row.connection_id))
}

export interface Release {
  /** Null: due only when woken. */
  readonly nextMs: number | null
  /** Not even woken before this. */
  readonly notBeforeMs: number
  readonly failed: boolean
}

/** Whose changes are in another database wakes nobody here: the home itself is asked, this often. */
const ELSEWHERE_MS = 2_000

/** Gives a unit back. One that was woken while it ran is due at once. */
export async function releaseUnit(pool: Pool, unit: Unit, release: Release): Promise<void> {
  await pool.query(
    `update rowhouse.sync_units u
     set worker = null, leased_until = null,
       due_at = case
         when u.wake <> $4 then clock_timestamp()
         when $5::float8 is null and u.lane = 'outbound' and not $7 and exists (
           select from rowhouse.placements p
           where p.organization_id = u.organization_id and p.database_name is not null
         ) then clock_timestamp() + $8 * interval '1 millisecond'
         when $5::float8 is null then 'infinity'
         else clock_timestamp() + $5::float8 * interval '1 millisecond'
       end,
       not_before = clock_timestamp() + $6 * interval '1 millisecond',
       attempts = case when $7 then u.attempts + 1 else 0 end
     where u.connection_id = $1 and u.lane = $2 and u.epoch = $3`,
    [
      unit.connectionId,
      unit.lane,
      unit.epoch,
      unit.wake,
      release.nextMs,
      release.notBeforeMs,
      release.failed,
      ELSEWHERE_MS,
    ],
  )
}

/**
 * Makes a lane due, and tells the workers of all processes. One that runs is due again when it is given back. Of the inbound
 * lane nobody waits for the disk: what is due is marked in the home, and the next poll would find the mark as well.
 */
export async function wakeUnit(pool: Pool, connectionId: string, lane: Lane): Promise<void> {
  await pool.query(
    `with how as materialized (
       select set_config('synchronous_commit',
         case $2 when 'inbound' then 'off' else current_setting('synchronous_commit') end, true)
     ),
     woken as (
       update rowhouse.sync_units u
       set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp())
       from how
       where u.connection_id = $1 and u.lane = $2 and u.enabled
       returning 1
     )
     select rowhouse.notify_sync() from woken`,
    [connectionId, lane],
  )
}
