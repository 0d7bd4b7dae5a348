-- schema_names_collide. Where: anywhere.
select 'warning' as severity, 'function' as kind, f.oid::regprocedure::text as object,
  format('%s makes the name of a schema from the name of a tenant: acme-eu and acme_eu become one, and names are cut at 63 bytes.', f.oid::regprocedure) as message,
  'Generate opaque names (tenant_ and a random or counted id) and keep which belongs to whom in a table.' as fix
from pg_proc f
join schemas s on s.oid = f.pronamespace
where (f.prosrc ~* '(replace|regexp_replace|lower|translate)\s*\(' and f.prosrc ~* '(create\s+schema|schema_name|search_path)')
  and f.prosrc ~* '''[a-z_]*_''\s*\|\|'
