-- public_temporary. Where: rowhouse.
select 'warning' as severity, 'database' as kind, current_database()::text as object,
  'Everybody may make temporary tables here; one can stand in for a table of the same name.' as message,
  format('revoke temporary on database %I from public', current_database()) as fix
from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'TEMPORARY'
