// What went apart and what could not be done: conflicts and dead letters of the organization.
import type { Conflict, DeadLetter } from '@rowhouse/contracts'
import type { Transaction } from 'rowhouse'
import type { MergeConflict } from '../merge/merge.ts'
import type { Direction } from './marks.ts'

type Query = Pick<Transaction, 'query'>

export interface NewConflict extends MergeConflict {
  readonly object: string
  readonly recordId: string | null
  readonly remoteId: string | null
}

export async function addConflicts(tx: Query, connectionId: string, conflicts: readonly NewConflict[]): Promise<void> {
  if (conflicts.length === 0) return
  await tx.query(
    `insert into rowhouse_home.sync_conflicts (
       connection_id, object, record_id, remote_id, field, base, local, remote, winner
     )
     select $2, p.object, p."recordId", p."remoteId", p.field, p.base, p.local, p.remote, p.winner
     from jsonb_to_recordset($1::jsonb) as p(
       object text, "recordId" text, "remoteId" text, field text, base text, local text, remote text, winner text
     )
     on conflict (organization_id, connection_id, object, remote_id, field) where winner is null
     do update set local = excluded.local, remote = excluded.remote, at = excluded.at`,
    [JSON.stringify(conflicts), connectionId],
  )
}

export interface NewDeadLetter {
  readonly object: string
  readonly direction: Direction
  readonly recordKey: string
  readonly recordId: string | null
  readonly remoteId: string | null
  readonly code: string
  readonly reason: string
  /** Tried again by itself after this; null: only when replayed or changed. */
  readonly retryMs: number | null
}

const REASON_LENGTH_MAX = 2000

export async function park(tx: Query, connectionId: string, letters: readonly NewDeadLetter[]): Promise<void> {
  if (letters.length === 0) return
  await tx.query(
    `insert into rowhouse_home.sync_dead_letters as l (
       connection_id, object, direction, record_key, record_id, remote_id, code, reason, retry_at
     )
     select $2, p.object, p.direction, p."recordKey", p."recordId", p."remoteId", p.code, left(p.reason, $3),
       clock_timestamp() + p."retryMs" * interval '1 millisecond'
     from jsonb_to_recordset($1::jsonb) as p(
       object text, direction text, "recordKey" text, "recordId" text, "remoteId" text, code text, reason text,
       "retryMs" bigint
     )
     on conflict (organization_id, connection_id, direction, object, record_key) do update
     set code = excluded.code, reason = excluded.reason, attempts = l.attempts + 1, last_at = excluded.last_at,
       record_id = coalesce(excluded.record_id, l.record_id), remote_id = coalesce(excluded.remote_id, l.remote_id),
       -- Each retry waits twice as long as the one before, an hour at most.
       retry_at = clock_timestamp() + least(
         (excluded.retry_at - clock_timestamp()) * power(2, least(l.attempts, 12)), interval '1 hour'
       )`,
    [JSON.stringify(letters), connectionId, REASON_LENGTH_MAX],
  )
}

/** What was parked has been done after all. */
export async function unpark(
  tx: Query,
  connectionId: string,
  direction: Direction,
  object: string,
  recordKeys: readonly string[],
): Promise<void> {
  if (recordKeys.length === 0) return
  await tx.query(
    `delete from rowhouse_home.sync_dead_letters l
     where l.connection_id = $1 and l.direction = $2 and l.object = $3 and l.record_key = any ($4)`,
    [connectionId, direction, object, recordKeys],
  )
}

/** Makes parked records due whose time has come; at most `limit`. */
export async function reviveDeadLetters(
  tx: Query,
  connectionId: string,
  direction: Direction,
  limit: number,
): Promise<void> {
  await tx.query(
    `with due as (
       update rowhouse_home.sync_dead_letters l
       set retry_at = null
       where l.id in (
         select d.id from rowhouse_home.sync_dead_letters d
         where d.connection_id = $1 and d.direction = $2 and d.retry_at <= clock_timestamp()
         order by d.retry_at limit $3
       )
       returning l.object, l.record_key
     )
     insert into rowhouse_home.sync_marks as m (connection_id, direction, object, record_id)
     select $1, $2, due.object, due.record_key from due
     on conflict (organization_id, connection_id, direction, object, record_id) do update
     set generation = m.generation + 1, due_at = '-infinity'`,
    [connectionId, direction, limit],
  )
}

const UNBLOCKED_MAX = 100

/**
 * A record of this object has given up a value that is unique, or is gone: what was parked because another held
 * such a value is due now, in both directions. Which value each waits for is not kept; trying is what tells.
 */
export async function unblock(tx: Query, connectionId: string, object: string): Promise<void> {
  await tx.query(
    `with due as (
       update rowhouse_home.sync_dead_letters l
       set retry_at = null
       where l.id in (
         select d.id from rowhouse_home.sync_dead_letters d
         where d.connection_id = $1 and d.object = $2 and d.code in ('unique_conflict', 'unique_violation')
           and d.retry_at is not null
         order by d.retry_at limit $3
       )
       returning l.direction, l.object, l.record_key
     )
     insert into rowhouse_home.sync_marks as m (connection_id, direction, object, record_id)
     select $1, due.direction, due.object, due.record_key from due
     on conflict (organization_id, connection_id, direction, object, record_id) do update
     set generation = m.generation + 1, due_at = '-infinity'`,
    [connectionId, object, UNBLOCKED_MAX],
  )
}

const LIST_MAX = 500

export async function listDeadLetters(organization: Query): Promise<DeadLetter[]> {
  const { rows } = await organization.query<{
    id: string
    connection_id: string
    object: string
    direction: Direction
    record_id: string | null
    remote_id: string | null
    code: string
    reason: string
    attempts: number
    first_at: Date
    last_at: Date
  }>(
    `select l.id::text, l.connection_id, l.object, l.direction, l.record_id, l.remote_id, l.code, l.reason, l.attempts,
       l.first_at, l.last_at
     from rowhouse_home.sync_dead_letters l order by l.last_at desc limit $1`,
    [LIST_MAX],
  )
  return rows.map((row) => ({
    id: row.id,
    connectionId: row.connection_id,
    object: row.object,
    direction: row.direction,
    recordId: row.record_id,
    remoteId: row.remote_id,
    code: row.code,
    reason: row.reason,
    attempts: row.attempts,
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
  }))
}

export async function listConflicts(organization: Query): Promise<Conflict[]> {
  const { rows } = await organization.query<{
    id: string
    connection_id: string
    object: string
    record_id: string | null
    remote_id: string | null
    field: string
    base: string | null
    local: string | null
    remote: string | null
    winner: 'local' | 'remote' | null
    at: Date
  }>(
    `select c.id::text, c.connection_id, c.object, c.record_id, c.remote_id, c.field, c.base, c.local, c.remote,
       c.winner, c.at
     from rowhouse_home.sync_conflicts c order by c.id desc limit $1`,
    [LIST_MAX],
  )
  return rows.map((row) => ({
    id: row.id,
    connectionId: row.connection_id,
    object: row.object,
    recordId: row.record_id,
    remoteId: row.remote_id,
    field: row.field,
    base: row.base,
    local: row.local,
    remote: row.remote,
    winner: row.winner,
    at: row.at.toISOString(),
  }))
}
