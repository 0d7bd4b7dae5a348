// What is known of a connection's event stream, in the catalogue: for whoever looks, and for the pace of polling. Only
// the holder of the unit writes it. Codes, numbers and our own sentences; nothing of a tenant.
import type { Pool } from 'pg'
import type { Unit } from '../schedule/units.ts'

export type StreamState = 'connected' | 'reconnecting' | 'unavailable'

/** As stored in `rowhouse.connections.events`; null before the first attempt. */
export interface StreamStatus {
  readonly state: StreamState
  readonly since: string
  /** Grows with every opening: after each, one poll covers what was before. */
  readonly opens: number
  /** When the last change that was told was committed, on our clock. */
  readonly lastEventAt: string | null
  /** From that commit to its arrival here, milliseconds. */
  readonly lagMs: number | null
  /** Why it is not connected, or not complete. */
  readonly reason: string | null
  /** When polling found what the stream should have told, epoch milliseconds by the database's clock, and what it was. */
  readonly missedAtMs?: number
  readonly missed?: string
}

/** As read: with what the database says of who holds it, and of time. */
export interface HeldStream extends StreamStatus {
  /** A worker's lease on it is valid now. */
  readonly held: boolean
  /** It left something out not long ago. */
  readonly distrusted: boolean
}

/** A stream that left something out is not relied on for this long. */
export const DISTRUST_MS = 3_600_000

/** Whether polls may be rare. */
export const isReliedOn = (stream: HeldStream | null): boolean =>
  stream !== null && stream.held && stream.state === 'connected' && stream.reason === null && !stream.distrusted

export const missedReason = (object: string): string =>
  `Polling found a change of ${object} that no event told: select the object under Change Data Capture at the CRM.`

const WRITE = `
with written as (
update rowhouse.connections c
set events = coalesce(c.events, '{"opens": 0, "lastEventAt": null, "lagMs": null, "reason": null}') || $4::jsonb
    || case when c.events ->> 'state' is distinct from $4::jsonb ->> 'state' and $4::jsonb ? 'state'
      then jsonb_build_object('since', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      else '{}' end
    || case when $5 then jsonb_build_object('opens', coalesce((c.events ->> 'opens')::int, 0) + 1) else '{}' end,
  updated_at = now(), revision = nextval('rowhouse.connection_revisions')
where c.id = $1 and ($5 or not coalesce(c.events, '{}') @> $4::jsonb)
  and exists (
    select from rowhouse.sync_units u where u.connection_id = c.id and u.lane = $2 and u.epoch = $3
  )
returning c.id
)
update rowhouse.sync_units u
set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp())
from written
where u.connection_id = written.id and u.lane = 'inbound' and $4::jsonb ? 'state'`

/**
 * Writes what changed, unless the unit has been taken over. `opened`: the stream was opened just now. With another state goes
 * another pace, so the inbound lane is woken in the same statement.
 */
export async function writeStreamStatus(
  pool: Pool,
  unit: Pick<Unit, 'connectionId' | 'epoch' | 'lane'>,
  status: Partial<Pick<StreamStatus, 'state' | 'lastEventAt' | 'lagMs' | 'reason'>>,
  opened = false,
): Promise<void> {
  await pool.query(WRITE, [unit.connectionId, unit.lane, unit.epoch, JSON.stringify(status), opened])
}

/** Polling found a change first that the stream should have told. */
export async function noteMissed(pool: Pool, connectionId: string, reason: string): Promise<void> {
  await pool.query(
    `update rowhouse.connections c
     set events = c.events || jsonb_build_object(
         'missedAtMs', (extract(epoch from clock_timestamp()) * 1000)::bigint, 'missed', $2::text
       ),
       updated_at = now(), revision = nextval('rowhouse.connection_revisions')
     where c.id = $1 and c.events is not null`,
    [connectionId, reason],
  )
}
