-- Functions of pg_catalog that PUBLIC may execute and one tenant could use on another through a shared login:
-- large objects as a channel, ending another's backend, and advisory locks, which could hold another's fence.
select p.oid::regprocedure::text as signature
from pg_catalog.pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace
  and (
    p.proname in ('pg_terminate_backend', 'pg_cancel_backend', 'loread', 'lowrite')
    or p.proname like 'lo\_%'
    or p.proname like 'pg\_advisory\_%'
    or p.proname like 'pg\_try\_advisory\_%'
  )
  and has_function_privilege('public', p.oid, 'execute')
order by 1
