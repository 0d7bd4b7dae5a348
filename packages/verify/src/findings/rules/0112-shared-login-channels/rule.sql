-- shared_login_channels. Where: anywhere.
select 'info' as severity, 'role' as kind, r.name::text as object,
  format('%I may call functions of pg_catalog that reach other sessions of the same login: %s.', r.name,
    string_agg(distinct case when p.proname ~ 'lock' then 'session advisory locks' when p.proname ~ '_backend' then 'ending a backend'
      else 'large objects' end, ', ')) as message,
  'As a superuser: revoke execute on pg_terminate_backend, pg_cancel_backend, lo_* and the session-level pg_advisory_* functions from public.' as fix
from roles r
join pg_roles l on l.oid = r.oid and l.rolcanlogin
cross join pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace
  and (p.proname in ('pg_terminate_backend', 'pg_cancel_backend', 'loread', 'lowrite') or p.proname like 'lo\_%'
    or p.proname ~ '^pg_(try_)?advisory_(un)?lock')
  and has_function_privilege(r.oid, p.oid, 'execute')
  and not (select rowhouse from settings)
group by r.name
