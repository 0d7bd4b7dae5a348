-- change_log_missing. Where: rowhouse.
select 'error' as severity, 'table' as kind, t.oid::regclass::text as object,
  format('Writes to %s are not logged in every session.', t.oid::regclass) as message,
  format('select rowhouse.protect(%L)', t.oid::regclass) as fix
from model_tables t
where t.protected
  and not rowhouse.is_logged(t.oid)
  -- The sync engine's own tables say what happened to changes that are logged.
  and not exists (select from pg_class c where c.oid = t.oid and c.relnamespace = to_regnamespace('rowhouse_home'))
