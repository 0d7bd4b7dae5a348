-- foreign_table_exposed. Where: rowhouse, anywhere.
select 'error' as severity, 'foreign table' as kind, c.oid::regclass::text as object,
  format('%s may read the foreign table %s, which has no row security.', string_agg(r.name, ', ' order by r.name), c.oid::regclass) as message,
  format('revoke all on %s from public, %s', c.oid::regclass, string_agg(quote_ident(r.name::text), ', ' order by r.name)) as fix
from pg_class c
join schemas s on s.oid = c.relnamespace
cross join roles r
where c.relkind = 'f'
  and exists (select from reach h where h.start = r.oid
    and (has_table_privilege(h.role, c.oid, 'select, insert, update, delete') or has_any_column_privilege(h.role, c.oid, 'select')))
group by c.oid
