-- auth_hook_open. Where: anywhere.
select 'error' as severity, 'function' as kind, p.oid::regprocedure::text as object,
  format('%s may call %s, which decides what is in a JWT.',
    string_agg(r.name, ', ' order by r.name), p.oid::regprocedure) as message,
  format('revoke execute on function %s from public, %s', p.oid::regprocedure, string_agg(quote_ident(r.name::text), ', ' order by r.name)) as fix
from pg_proc p
join roles r on has_function_privilege(r.oid, p.oid, 'execute') and has_schema_privilege(r.oid, p.pronamespace, 'usage')
where p.proname ~* '(access_token|_hook$|^hook_|auth_hook)' and p.pronargs = 1 and p.proargtypes[0] = 'jsonb'::regtype and p.prorettype = 'jsonb'::regtype
group by p.oid
