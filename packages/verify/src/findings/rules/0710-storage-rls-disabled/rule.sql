-- storage_rls_disabled. Where: anywhere.
select 'error' as severity, 'table' as kind, c.oid::regclass::text as object,
  format('Row security of %s is off.', c.oid::regclass) as message,
  format('alter table %s enable row level security', c.oid::regclass) as fix
from pg_class c
where c.oid in (to_regclass('storage.objects'), to_regclass('storage.buckets'), to_regclass('realtime.messages')) and not c.relrowsecurity
  and exists (select from reach h where has_table_privilege(h.role, c.oid, 'select, insert, update, delete'))
