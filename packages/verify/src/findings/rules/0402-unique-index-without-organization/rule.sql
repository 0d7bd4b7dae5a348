-- unique_index_without_organization. Where: rowhouse, anywhere.
select case when t.protected then 'error' else 'warning' end as severity, 'index' as kind, i.indexrelid::regclass::text as object,
  format('The unique index %s does not begin with %s.', i.indexrelid::regclass, t.col) as message,
  format('Put %s first in it.', t.col) as fix
from pg_index i
join tables t on t.oid = i.indrelid
where i.indisunique and t.protected is not false and not t.root and t.col is not null and not t.child and (t.protected or t.reachable)
  and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
  and case when t.protected then i.indkey[0] <> t.att
    else not t.att = any (i.indkey::int2[])
      and not exists (select from pg_attribute a where a.attrelid = t.oid and a.attnum = i.indkey[0] and a.atttypid = 'uuid'::regtype) end
