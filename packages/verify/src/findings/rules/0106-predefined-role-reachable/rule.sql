-- predefined_role_reachable. Where: rowhouse, anywhere.
select 'error' as severity, 'role' as kind, r.rolname::text as object,
  format('%s is a member of %s, which reaches %s.', string_agg(distinct quote_ident(s.name::text), ', '), r.rolname,
    case when r.rolname ~ '(server|program)' then 'the files and programs of the server'
      when r.rolname = 'pg_signal_backend' then 'other sessions' when r.rolname ~ '(monitor|stats|settings)' then 'what other sessions do'
      else 'every table without row security' end) as message,
  format('revoke %s from %s', r.rolname, string_agg(distinct quote_ident(s.name::text), ', ')) as fix
from reach h
join pg_roles r on r.oid = h.role
join roles s on s.oid = h.start
where r.rolname ~ '^pg_' and r.rolname not in ('pg_database_owner', 'pg_use_reserved_connections')
group by r.rolname
