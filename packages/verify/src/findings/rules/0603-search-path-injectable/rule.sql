-- search_path_injectable. Where: anywhere.
select 'error' as severity, 'function' as kind, f.oid::regprocedure::text as object,
  format('%s puts a search_path together from text: a tenant name with a comma in it names a second schema.', f.oid::regprocedure) as message,
  'Quote the schema with %I, and look it up in the table of tenants first.' as fix
from pg_proc f
join schemas s on s.oid = f.pronamespace
where f.prosrc ~* 'search_path' and (
    f.prosrc ~* 'set_config\s*\(\s*''search_path''\s*,\s*[^;]*\|\|'
    or f.prosrc ~* '''[^'']*search_path[^'']*''\s*\|\|'
    or f.prosrc ~* 'format\s*\(\s*''[^'']*search_path[^'']*%(\d+\$)?s'
  )
  and f.prosrc !~* 'quote_ident'
