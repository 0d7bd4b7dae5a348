-- tenant_column_missing. Where: anywhere.
select 'warning' as severity, 'table' as kind, t.name as object,
  format('Rows of %s belong to a tenant only through %s: each policy and each index has to go there.', t.name,
    (select string_agg(distinct f.confrelid::regclass::text, ', ') from pg_constraint f join tables p on p.oid = f.confrelid
      where f.contype = 'f' and f.conrelid = t.oid and not p.root)) as message,
  format('Add the tenant column to %s, first in its keys and in the foreign key.', t.name) as fix
from tables t
where t.col is null and not t.root and not t.child and t.reachable
