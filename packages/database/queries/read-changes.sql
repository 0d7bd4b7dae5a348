-- The changes of the entered organization that snapshot $2 sees and snapshot $1 did not ($1 null: from the beginning),
-- after seq $3, at most $4. Reading from snapshot to snapshot never skips a slow commit, and nobody's long
-- transaction holds it up; both arms of the OR use change_log_by_transaction.
select
  c.seq,
  c.xid,
  c.at,
  c.table_schema,
  c.table_name,
  c.record_id,
  c.action,
  c.old,
  c.new,
  c.actor_kind,
  c.actor_id,
  c.origin,
  c.request_id,
  c.ip
from rowhouse.change_log c
where c.organization_id = (select rowhouse.organization_id())
  and (
    $1::pg_snapshot is null
    or c.xid >= pg_snapshot_xmax($1::pg_snapshot)
    or c.xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))
  )
  and pg_visible_in_snapshot(c.xid, $2::pg_snapshot)
  and c.seq > $3::bigint
order by c.seq
limit $4::int
