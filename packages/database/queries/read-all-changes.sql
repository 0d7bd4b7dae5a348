-- All changes of the entered organization that snapshot $1 sees, after seq $2, at most $3: for a reader without a
-- position, in the order of the primary key.
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
  and pg_visible_in_snapshot(c.xid, $1::pg_snapshot)
  and c.seq > $2::bigint
order by c.seq
limit $3::int
