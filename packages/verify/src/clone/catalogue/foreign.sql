-- Foreign-data wrappers that are no extension's, and servers. No option is copied: they name hosts and files.
select 'pg_foreign_data_wrapper' as class, w.oid::text as oid, 'foreign-data wrapper' as kind, quote_ident(w.fdwname) as name, 3 as rank,
  format('create foreign data wrapper %I no handler no validator', w.fdwname) as sql, null::text as stub, '{}'::text[] as aliases
from pg_catalog.pg_foreign_data_wrapper w
where not exists (
  select from pg_catalog.pg_depend e
  where e.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass and e.objid = w.oid and e.deptype = 'e'
)
union all
-- Without a handler, whatever touches a table of the server is an error.
select 'pg_foreign_server', s.oid::text, 'foreign server', quote_ident(s.srvname), 4,
  format('alter foreign data wrapper %I no handler no validator; create server %I foreign data wrapper %I', w.fdwname, s.srvname, w.fdwname), null, '{}'
from pg_catalog.pg_foreign_server s
join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
