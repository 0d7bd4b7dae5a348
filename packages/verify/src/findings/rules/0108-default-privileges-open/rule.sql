-- default_privileges_open. Where: anywhere.
select 'info' as severity, 'schema' as kind, coalesce(n.nspname::text, '(all schemas)') as object,
  format('Every new table of %I %s is at once open to %s: one without row security leaks from the moment it is made.',
    o.rolname, coalesce('in ' || quote_ident(n.nspname::text), 'anywhere'),
    string_agg(distinct coalesce(g.rolname::text, 'public'), ', ')) as message,
  format('alter default privileges for role %I %s revoke all on tables from %s', o.rolname,
    coalesce('in schema ' || quote_ident(n.nspname::text), ''),
    string_agg(distinct coalesce(quote_ident(g.rolname::text), 'public'), ', ')) as fix
from pg_default_acl d
join pg_roles o on o.oid = d.defaclrole
left join pg_namespace n on n.oid = d.defaclnamespace
cross join aclexplode(d.defaclacl) a
left join pg_roles g on g.oid = a.grantee
where d.defaclobjtype = 'r' and (d.defaclnamespace = 0 or d.defaclnamespace in (select oid from schemas))
  and (a.grantee = 0 or exists (select from roles r where r.oid = a.grantee))
  -- Where a trigger looks at every new table, it may switch row security on.
  and not exists (select from pg_event_trigger e where e.evtevent = 'ddl_command_end' and e.evtenabled <> 'D' and e.evtname ~* '(rls|row|rowhouse)')
  -- With a login that owns nothing and row security forced by habit this is how grants are kept in step.
  and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
group by o.rolname, n.nspname
