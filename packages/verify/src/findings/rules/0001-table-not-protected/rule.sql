-- table_not_protected. Where: rowhouse.
select 'error' as severity, 'table' as kind, t.oid::regclass::text as object,
  format('The table %s has organization_id, but nothing keeps organizations apart.', t.oid::regclass) as message,
  format('select rowhouse.protect(%L)', t.oid::regclass) as fix
from model_tables t
where not t.protected
