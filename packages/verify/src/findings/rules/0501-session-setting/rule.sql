-- session_setting. Where: anywhere.
select 'warning' as severity, 'function' as kind, f.oid::regprocedure::text as object,
  format('%s sets %s for the session: behind a pooler the next tenant on the connection inherits it.', f.oid::regprocedure,
    case when f.prosrc ~* 'search_path' then 'the search_path' when f.prosrc ~* '\mset\s+(session\s+)?role' then 'the role' else 'the tenant' end) as message,
  'Set it for the transaction: set local, or set_config(…, …, true).' as fix
from pg_proc f
join schemas s on s.oid = f.pronamespace
where f.prosrc ~* 'set_config\s*\([^;]*,\s*false\s*\)'
  or f.prosrc ~* '(execute\s*\(?\s*(format\s*\(\s*)?''\s*|;\s*|begin\s+)set\s+(session\s+)?(search_path|role|app\.|"?request)'
