// Reads the change log from snapshot to snapshot and turns it into marks, in one statement: what the new
// snapshot sees and the old one did not, without our own writes, one mark per record. The position is
// the snapshot that was read, stored with the marks: nothing is lost between reading and remembering.
// No row leaves the database here; the current row is read when its mark is planned.
import type { Transaction } from 'rowhouse'
import type { MappedObject } from '../mapping/mapping.ts'

type Query = Pick<Transaction, 'query'>

/** Begins reading the log now; a position that exists is kept. */
export async function beginCapture(tx: Query, connectionId: string): Promise<void> {
  await tx.query(
    `insert into rowhouse_home.sync_cursors (connection_id, kind, object, snapshot)
     values ($1, 'outbound', '', pg_current_snapshot()) on conflict do nothing`,
    [connectionId],
  )
}

/** Marks what was changed by anybody but this connection since the last time. Returns how many records. */
export async function capture(tx: Query, connectionId: string, objects: readonly MappedObject[]): Promise<number> {
  const { rows } = await tx.query<{ captured: number }>(
    `with cursor as materialized (
       select c.snapshot as seen, pg_current_snapshot() as now
       from rowhouse_home.sync_cursors c
       where c.connection_id = $1 and c.kind = 'outbound' and c.object = '' for update
     ),
     changed as (
       select o.object, l.record_id, max(l.seq) as through_seq, min(l.at) as since, max(l.at) as changed_at
       from rowhouse.change_log l
       join jsonb_to_recordset($2::jsonb) as o(object text, schema text, "table" text)
         on o.schema = l.table_schema and o."table" = l.table_name
       where l.organization_id = (select rowhouse.organization_id())
         and (l.xid >= (select pg_snapshot_xmax(seen) from cursor)
           or l.xid = any (array(select pg_snapshot_xip(seen) from cursor)))
         and pg_visible_in_snapshot(l.xid, (select now from cursor))
         and l.at >= (select rowhouse.changes_from(seen) from cursor)
         and l.origin is distinct from $3
       group by o.object, l.record_id
     ),
     marked as (
       insert into rowhouse_home.sync_marks as m (
         connection_id, direction, object, record_id, through_seq, since, changed_at
       )
       select $1, 'outbound', object, record_id, through_seq, since, changed_at from changed
       on conflict (organization_id, connection_id, direction, object, record_id) do update
       set generation = m.generation + 1, through_seq = greatest(m.through_seq, excluded.through_seq),
         changed_at = excluded.changed_at, due_at = '-infinity', waits_for = null
       returning 1
     ),
     moved as (
       update rowhouse_home.sync_cursors c
       set snapshot = cursor.now, updated_at = now()
       from cursor
       where c.connection_id = $1 and c.kind = 'outbound' and c.object = ''
     )
     select count(*)::int as captured from marked`,
    [
      connectionId,
      JSON.stringify(objects.map(({ object, schema, table }) => ({ object, schema, table }))),
      connectionId,
    ],
  )
  return rows[0]?.captured ?? 0
}
