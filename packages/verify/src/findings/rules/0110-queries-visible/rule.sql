-- queries_visible. Where: rowhouse.
select 'warning' as severity, 'role' as kind, 'rowhouse_app' as object,
  'The queries of rowhouse_app are visible in pg_stat_activity to other sessions of the same login.' as message,
  'alter role rowhouse_app set track_activities = off (as a superuser)' as fix
from pg_roles r
where r.rolname = 'rowhouse_app' and not coalesce(r.rolconfig && '{track_activities=off}', false)
