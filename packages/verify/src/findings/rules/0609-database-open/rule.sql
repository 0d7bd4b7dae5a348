-- database_open. Where: anywhere.
select 'warning' as severity, 'database' as kind, d.datname::text as object,
  format('Every login of the server may connect to %I, which is named as one of several tenants'' databases.', d.datname) as message,
  format('revoke connect on database %I from public', d.datname) as fix
from pg_database d
cross join lateral (
  select count(*) as others
  from pg_database o
  where o.oid <> d.oid and not o.datistemplate
    and substring(o.datname from '^[a-z]+[_-]') = substring(d.datname from '^[a-z]+[_-]')
) f
cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
where d.datname ~ '^(tenants?|orgs?|organi[sz]ations?|customers?|clients?|accounts?|company|companies|workspaces?)[_-]' and f.others > 0
  and not d.datistemplate and a.grantee = 0 and a.privilege_type = 'CONNECT'
