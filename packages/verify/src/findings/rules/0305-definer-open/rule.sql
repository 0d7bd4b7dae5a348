-- definer_open. Where: anywhere.
select 'info' as severity, 'function' as kind, f.name as object,
  format('Everybody, also without signing in, may call %s, which runs as its owner.', f.name) as message,
  format('revoke execute on function %s from public, anon; grant execute on function %s to authenticated', f.name, f.name) as fix
from definers f
where f.open and (select supabase from settings) and has_schema_privilege('anon', f.schema, 'usage')
  and f.returns not in ('trigger'::regtype, 'event_trigger'::regtype)
  and has_function_privilege('anon', f.oid, 'execute')
