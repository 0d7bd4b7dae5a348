-- role_owns_tables. Where: anywhere.
select 'warning' as severity, 'role' as kind, r.name::text as object,
  format('Requests come as %I, which can act as %I, the owner of %s: one statement switches row security off.', r.name,
    o.rolname, case when count(*) = 1 then min(t.name) else format('%s tables of tenants', count(*)) end) as message,
  format('Make a login for requests that owns nothing and is no member of %I; grant it select, insert, update and delete.', o.rolname) as fix
from tables t
join reach h on h.role = t.owner
join roles r on r.oid = h.start
join pg_roles o on o.oid = t.owner
where not t.child
group by r.name, o.rolname
