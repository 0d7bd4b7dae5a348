-- database_open. Where: anywhere.
select 'warning' as severity, 'database' as kind, d.datname::text as object,
  format('Every login of the server may connect to %I, which is one of several tenants'' databases.', d.datname) as message,
  format('revoke connect on database %I from public', d.datname) as fix
from tenant_databases t
join pg_database d on d.oid = t.oid
cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
where a.grantee = 0 and a.privilege_type = 'CONNECT'
