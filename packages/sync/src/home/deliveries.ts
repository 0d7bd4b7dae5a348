// Deliveries: committed before the call, settled after it. A pending one means: the CRM may hold this.
import type { FieldValues } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import type { Pending } from '../plan/link.ts'

export interface Delivery extends Pending {
  readonly id: string
  readonly object: string
  readonly recordId: string
  readonly remoteId: string | null
  readonly throughSeq: string
  readonly priorVersion: string | null
  readonly atMs: number
}

export interface NewDelivery extends Pending {
  readonly object: string
  readonly table: string
  readonly recordId: string
  readonly remoteId: string | null
  readonly throughSeq: string
  readonly priorVersion: string | null
  /** Whether it has to be looked at afterwards what this wrote over. */
  readonly unexamined: boolean
  /** When the change was made, epoch milliseconds. */
  readonly atMs: number
}

interface DeliveryRow {
  readonly id: string
  readonly object: string
  readonly record_id: string
  readonly remote_id: string | null
  readonly kind: Pending['kind']
  readonly through_seq: string
  readonly fields: FieldValues
  readonly prior_version: string | null
  readonly at_ms: string
}

const COLUMNS = `d.id::text, d.object, d.record_id, d.remote_id, d.kind, d.through_seq::text, d.fields, d.prior_version,
  (extract(epoch from d.at) * 1000)::bigint::text as at_ms`

const toDelivery = (row: DeliveryRow): Delivery => ({
  id: row.id,
  object: row.object,
  recordId: row.record_id,
  remoteId: row.remote_id,
  kind: row.kind,
  sent: row.fields,
  throughSeq: row.through_seq,
  priorVersion: row.prior_version,
  atMs: Number(row.at_ms),
})

export async function addDeliveries(
  tx: Transaction,
  connectionId: string,
  epoch: string,
  deliveries: readonly NewDelivery[],
): Promise<Delivery[]> {
  if (deliveries.length === 0) return []
  const { rows } = await tx.query<DeliveryRow>(
    `insert into rowhouse_home.sync_deliveries as d (
       connection_id, object, table_name, record_id, remote_id, kind, through_seq, fields, prior_version, unexamined, epoch,
       at
     )
     select $2, p.object, p."table", p."recordId", p."remoteId", p.kind, p."throughSeq", p.sent, p."priorVersion",
       p.unexamined, $3, to_timestamp(p."atMs" / 1000.0)
     from jsonb_to_recordset($1::jsonb) as p(
       object text, "table" text, "recordId" text, "remoteId" text, kind text, "throughSeq" bigint, sent jsonb,
       "priorVersion" text, unexamined boolean, "atMs" bigint
     )
     returning ${COLUMNS}`,
    [JSON.stringify(deliveries), connectionId, epoch],
  )
  return rows.map(toDelivery)
}

/** Whether there is any of which nobody knows whether it was done. */
export async function hasPending(tx: Pick<Transaction, 'query'>, connectionId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from rowhouse_home.sync_deliveries d where d.connection_id = $1 and d.status = 'pending' limit 1`,
    [connectionId],
  )
  return rowCount === 1
}

/** Pending deliveries of these rows; of all rows without `recordIds`, at most `limit`. */
export async function readPending(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  object: string | null,
  recordIds: readonly string[] | null,
  limit: number,
): Promise<Delivery[]> {
  if (recordIds?.length === 0) return []
  const { rows } = await tx.query<DeliveryRow>(
    `select ${COLUMNS} from rowhouse_home.sync_deliveries d
     where d.connection_id = $1 and d.status = 'pending'
       and ($2::text is null or d.object = $2) and ($3::text[] is null or d.record_id = any ($3))
     order by d.id limit $4`,
    [connectionId, object, recordIds, limit],
  )
  return rows.map(toDelivery)
}

export interface Settlement {
  readonly id: string
  readonly status: 'delivered' | 'parked' | 'superseded'
  readonly remoteId: string | null
  /** It was certainly not done, so it wrote over nothing. @default false */
  readonly undone?: boolean
}

export async function settleDeliveries(
  tx: Transaction,
  connectionId: string,
  settlements: readonly Settlement[],
): Promise<void> {
  if (settlements.length === 0) return
  await tx.query(
    `update rowhouse_home.sync_deliveries d
     set status = p.status, remote_id = coalesce(p."remoteId", d.remote_id), unexamined = d.unexamined and p.undone is not true,
       delivered_at = case when p.status = 'delivered' then clock_timestamp() end,
       latency_ms = case when p.status = 'delivered'
         then least(greatest(extract(epoch from clock_timestamp() - d.at) * 1000, 0), 2147483647)::int end
     from jsonb_to_recordset($1::jsonb) as p(id bigint, status text, "remoteId" text, undone boolean)
     where d.id = p.id and d.connection_id = $2 and d.status = 'pending'`,
    [JSON.stringify(settlements), connectionId],
  )
}

/**
 * Keeps the last `keep` deliveries of a connection, and for a month those of which nobody could look what they wrote over; at
 * most `limit` are removed at a time.
 */
export async function pruneDeliveries(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  keep: number,
  limit: number,
): Promise<void> {
  await tx.query(
    `delete from rowhouse_home.sync_deliveries d where d.connection_id = $1 and d.id in (
       select o.id from rowhouse_home.sync_deliveries o
       where o.connection_id = $1 and o.status <> 'pending'
         and (not o.unexamined or o.sent_at < now() - interval '30 days')
         and o.id < (
           select min(k.id) from (
             select n.id from rowhouse_home.sync_deliveries n where n.connection_id = $1 order by n.id desc limit $2
           ) k
         )
       order by o.id limit $3
     )`,
    [connectionId, keep, limit],
  )
}
