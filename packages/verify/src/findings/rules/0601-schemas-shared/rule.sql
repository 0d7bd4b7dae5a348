-- schemas_shared. Where: anywhere.
select 'error' as severity, 'role' as kind, r.name::text as object,
  format('Requests of %I can read %s of the %s schemas of tenants (%s): nothing but the search_path keeps them apart.', r.name, count(*),
    (select count(*) from tenant_schemas), string_agg(x.name, ', ' order by x.name)) as message,
  format('Give each tenant a role of its own, with usage on its schema alone; revoke usage on %s from %I.',
    string_agg(quote_ident(x.name::text), ', ' order by x.name), r.name) as fix
from roles r
cross join lateral (
  select s.name
  from tenant_schemas s
  where exists (select from reach h where h.start = r.oid and has_schema_privilege(h.role, s.oid, 'usage'))
    and exists (select from pg_class c join reach h on h.start = r.oid where c.relnamespace = s.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and has_table_privilege(h.role, c.oid, 'select, insert, update, delete'))
    -- Row security that reads a tenant column holds here as well.
    and exists (select from pg_class c where c.relnamespace = s.oid and c.relkind in ('r', 'p') and not c.relrowsecurity)
) x
group by r.name
having count(*) > 1
