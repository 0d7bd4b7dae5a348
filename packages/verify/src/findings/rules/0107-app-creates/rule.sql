-- app_creates. Where: rowhouse, anywhere.
select 'error' as severity, 'schema' as kind, n.nspname::text as object,
  format('%s may create in the schema %I: what one organization puts there can stand in for what another calls.',
    string_agg(r.name, ', ' order by r.name), n.nspname) as message,
  format('revoke create on schema %I from %s, public', n.nspname, string_agg(quote_ident(r.name::text), ', ' order by r.name)) as fix
from pg_namespace n, roles r
where has_schema_privilege(r.oid, n.oid, 'create') and n.nspname !~ '^pg_(toast|temp)'
  -- Who owns the schema is another finding.
  and not exists (select from reach h where h.start = r.oid and h.role = n.nspowner)
group by n.oid, n.nspname
