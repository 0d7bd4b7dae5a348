-- The changes of the entered organization that snapshot $2 sees and snapshot $1 did not, after seq $3, at most $4.
-- Reading from snapshot to snapshot never skips a slow commit, and nobody's long transaction holds it up. The two arms
-- share no row: what $1 saw in progress began before its end. They read change_log_by_transaction alone, whatever the
-- plan: one OR with a LIMIT made a generic plan walk the organization's whole log.
with fresh as materialized (
  select c.seq, c.at
  from rowhouse.change_log c
  where c.organization_id = (select rowhouse.organization_id())
    and c.xid >= pg_snapshot_xmax($1::pg_snapshot)
    and pg_visible_in_snapshot(c.xid, $2::pg_snapshot)
    and c.at >= (select rowhouse.changes_from($1::pg_snapshot))
    and c.seq > $3::bigint
  union all
  select c.seq, c.at
  from rowhouse.change_log c
  where c.organization_id = (select rowhouse.organization_id())
    and c.xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))
    and pg_visible_in_snapshot(c.xid, $2::pg_snapshot)
    and c.at >= (select rowhouse.changes_from($1::pg_snapshot))
    and c.seq > $3::bigint
), batch as materialized (
  select f.seq, f.at from fresh f order by f.seq limit $4::int
)
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
from batch b
join rowhouse.change_log c on c.organization_id = (select rowhouse.organization_id()) and c.seq = b.seq and c.at = b.at
order by c.seq
