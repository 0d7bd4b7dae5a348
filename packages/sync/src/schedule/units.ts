// Units of work, (connection, lane), in the catalogue: who holds which, until when, and when the next is due.
// All times are the database's. A unit is taken with a new epoch; whoever held it before can write nothing.
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
}

export interface ClaimOptions {
  readonly worker: string
  readonly leaseMs: number
  readonly limit: number
  /** Lanes that have a free slot now. */
  readonly lanes: readonly Lane[]
}

/** Takes the units that have been due longest, live lanes before the backfill. */
export async function claimUnits(pool: Pool, options: ClaimOptions): Promise<Unit[]> {
  const { rows } = await pool.query<{
    connection_id: string
    organization_id: string
    lane: Lane
    epoch: string
    wake: string
    attempts: number
  }>(
    `with due as materialized (
       select u.connection_id, u.lane from rowhouse.sync_units u
       where u.enabled and u.due_at <= clock_timestamp() and u.not_before <= clock_timestamp()
         and (u.leased_until is null or u.leased_until <= clock_timestamp())
         and u.lane = any ($4)
       order by u.lane = 'backfill', u.due_at
       limit $3
       for update skip locked
     )
     update rowhouse.sync_units u
     set worker = $1, epoch = u.epoch + 1, leased_until = clock_timestamp() + $2 * interval '1 millisecond'
     from due
     where u.connection_id = due.connection_id and u.lane = due.lane
     returning u.connection_id, u.organization_id, u.lane, u.epoch::text, u.wake::text, u.attempts`,
    [options.worker, options.leaseMs, options.limit, options.lanes],
  )
  return rows.map((row) => ({
    connectionId: row.connection_id,
    organizationId: row.organization_id,
    lane: row.lane,
    epoch: row.epoch,
    wake: row.wake,
    attempts: row.attempts,
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

/** Makes the outbound lanes of organizations due. */
export async function wakeOrganizations(pool: Pool, organizationIds: readonly string[]): Promise<void> {
  await pool.query(
    `update rowhouse.sync_units u
     set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp())
     where u.organization_id = any ($1) and u.lane = 'outbound' and u.enabled`,
    [organizationIds],
  )
}

/** Makes every outbound lane due once: a worker that begins does not know what it missed. */
export async function wakeAll(pool: Pool): Promise<void> {
  await pool.query(
    `update rowhouse.sync_units u
     set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp()) where u.lane = 'outbound' and u.enabled`,
  )
}

export async function wakeUnit(pool: Pool, connectionId: string, lane: Lane): Promise<void> {
  await pool.query(
    `update rowhouse.sync_units u
     set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp())
     where u.connection_id = $1 and u.lane = $2`,
    [connectionId, lane],
  )
}
