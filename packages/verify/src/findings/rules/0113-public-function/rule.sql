-- public_function. Where: rowhouse.
select 'warning' as severity, 'function' as kind, f::text as object,
  format('Everybody may call %s, which reaches across organizations that share a login.', f) as message,
  format('revoke execute on function pg_catalog.%s from public', f) as fix
from rowhouse.dangerous_functions() f
where has_function_privilege('public', f::oid, 'execute')
union all
select 'error', 'function', p.oid::regprocedure::text,
  format('Everybody may call %s.', p.oid::regprocedure), format('revoke execute on function %s from public', p.oid::regprocedure)
from pg_proc p
where p.pronamespace = 'rowhouse'::regnamespace and has_function_privilege('public', p.oid, 'execute')
