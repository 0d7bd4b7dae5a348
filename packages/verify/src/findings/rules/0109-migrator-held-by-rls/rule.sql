-- migrator_held_by_rls. Where: rowhouse.
select 'warning' as severity, 'role' as kind, 'rowhouse_migrator' as object,
  'rowhouse_migrator lacks BYPASSRLS: a backfill or a constraint may silently see no rows.' as message,
  'alter role rowhouse_migrator bypassrls (before Postgres 16 as a superuser)' as fix
from pg_roles r
where r.rolname = 'rowhouse_migrator' and not r.rolbypassrls and not r.rolsuper
