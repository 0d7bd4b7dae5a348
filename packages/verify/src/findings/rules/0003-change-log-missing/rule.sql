-- change_log_missing. Where: rowhouse.
select 'error' as severity, 'table' as kind, t.oid::regclass::text as object,
  format('Writes to %s are not logged in every session.', t.oid::regclass) as message,
  format('select rowhouse.protect(%L)', t.oid::regclass) as fix
from model_tables t
where t.protected
  and not exists (
    select from pg_trigger g
    where g.tgrelid = t.oid and g.tgname = '!rowhouse_change_log' and g.tgenabled = 'A'
      and g.tgfoid = 'rowhouse.log_change()'::regprocedure
  )
  -- The sync engine's own tables say what happened to changes that are logged.
  and not exists (select from pg_class c where c.oid = t.oid and c.relnamespace = to_regnamespace('rowhouse_home'))
