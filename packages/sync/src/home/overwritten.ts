// Updates and deletes of which nobody has looked yet what they wrote over, and what was found.
import type { FieldValues } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import type { MergeConflict } from '../merge/merge.ts'

type Query = Pick<Transaction, 'query'>

export interface Unexamined {
  readonly id: string
  readonly kind: 'update' | 'delete'
  readonly remoteId: string
  readonly sent: FieldValues
  readonly priorVersion: string
}

/** The oldest of them, at most `limit`. */
export async function readUnexamined(
  tx: Query,
  connectionId: string,
  object: string,
  limit: number,
): Promise<Unexamined[]> {
  const { rows } = await tx.query<{
    id: string
    kind: Unexamined['kind']
    remote_id: string
    fields: FieldValues
    prior_version: string
  }>(
    `select d.id::text, d.kind, d.remote_id, d.fields, d.prior_version from rowhouse_home.sync_deliveries d
     where d.connection_id = $1 and d.object = $2 and d.unexamined and d.status <> 'pending'
     order by d.id limit $3`,
    [connectionId, object, limit],
  )
  return rows.map(({ id, kind, remote_id: remoteId, fields: sent, prior_version: priorVersion }) => ({
    id,
    kind,
    remoteId,
    sent,
    priorVersion,
  }))
}

export interface Overwritten extends MergeConflict {
  readonly deliveryId: string
}

/** Records conflicts, but for those that a merge recorded while the update was under way. */
export async function addOverwritten(tx: Query, connectionId: string, found: readonly Overwritten[]): Promise<void> {
  if (found.length === 0) return
  await tx.query(
    `insert into rowhouse_home.sync_conflicts (
       connection_id, object, record_id, remote_id, field, base, local, remote, winner
     )
     select $2, d.object, d.record_id, d.remote_id, p.field, p.base, p.local, p.remote, p.winner
     from jsonb_to_recordset($1::jsonb) as p(
       "deliveryId" bigint, field text, base text, local text, remote text, winner text
     )
     join rowhouse_home.sync_deliveries d on d.id = p."deliveryId" and d.connection_id = $2
     where not exists (
       select from rowhouse_home.sync_conflicts c
       where c.connection_id = $2 and c.object = d.object and c.remote_id = d.remote_id and c.field = p.field
         and c.remote is not distinct from p.remote and c.at >= d.sent_at
     )`,
    [JSON.stringify(found), connectionId],
  )
}

export async function settleExamined(tx: Query, connectionId: string, ids: readonly string[]): Promise<void> {
  await tx.query(
    `update rowhouse_home.sync_deliveries d set unexamined = false where d.connection_id = $1 and d.id = any ($2::bigint[])`,
    [connectionId, ids],
  )
}
