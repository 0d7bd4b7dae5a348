-- tenant_column_nullable. Where: anywhere.
select case when n.seen then 'error' else 'info' end as severity, 'column' as kind, format('%s.%I', t.name, t.col) as object,
  case when n.seen then format('%s.%I may be null, and a policy shows such rows to everybody without a tenant.', t.name, t.col)
    else format('%s.%I may be null: such a row belongs to nobody, and no foreign key or unique key with it is checked.', t.name, t.col) end as message,
  format('alter table %s alter column %I set not null', t.name, t.col) as fix
from tables t
cross join lateral (
  select exists (select from policies p where p.tbl = t.oid and (p.qual ~ ('\m' || t.col || '\M IS NULL') or p.qual ~ 'IS DISTINCT FROM')) as seen
) n
where not t.root and not t.required and not t.child and t.kind in ('r', 'p') and t.col is not null and t.reachable
