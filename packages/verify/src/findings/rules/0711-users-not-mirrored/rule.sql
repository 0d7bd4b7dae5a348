-- users_not_mirrored. Where: rowhouse.
select 'warning' as severity, 'table' as kind, 'auth.users' as object,
  'auth.users does not feed rowhouse.users: people who sign up are not known, and who is deleted stays a member.' as message,
  'select rowhouse.mirror_auth_users()' as fix
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'auth' and c.relname = 'users' and c.relkind in ('r', 'p')
  and not exists (
    select from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'rowhouse_mirror_user' and g.tgenabled in ('O', 'A')
  )
