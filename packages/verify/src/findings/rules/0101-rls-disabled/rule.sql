-- rls_disabled. Where: rowhouse, anywhere.
select 'error' as severity, 'table' as kind, t.name as object,
  case when t.root then format('Row security of %s is off: every tenant sees all tenants.', t.name)
    else format('Row security of %s is off: %s', t.name,
      case when exists (select from all_policies p where p.tbl = t.oid) then 'its policies do nothing.'
        else 'every tenant sees the rows of all.' end) end as message,
  format('alter table %s enable row level security', t.name) as fix
from tables t
where not t.rls and not t.child and t.kind in ('r', 'p') and t.schema not in (select oid from tenant_schemas)
  and case when t.protected is null then t.reachable else t.protected end
