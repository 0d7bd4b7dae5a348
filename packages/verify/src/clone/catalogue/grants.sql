-- Privileges as they are: on every object whose list is not the default, also on members of extensions and in
-- pg_catalog where somebody changed what initdb or the extension gave. Taken away whole, then given one by one.
with object as (
  select 'schema' as kind, quote_ident(n.nspname) as name, '' as columns, n.nspacl as acl, n.nspowner as owner, 'pg_namespace'::regclass as class, n.oid, 0 as sub
  from pg_catalog.pg_namespace n where n.nspname !~ '^pg_(toast|temp)'
  union all
  select case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass::text, '', c.relacl, c.relowner, 'pg_class', c.oid, 0
  from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select 'table', a.attrelid::regclass::text, format(' (%I)', a.attname), a.attacl, c.relowner, 'pg_class', c.oid, a.attnum
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  where a.attacl is not null and not a.attisdropped
  union all
  select case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure::text, '', p.proacl, p.proowner, 'pg_proc', p.oid, 0
  from pg_catalog.pg_proc p
  union all
  select 'type', t.oid::regtype::text, '', t.typacl, t.typowner, 'pg_type', t.oid, 0 from pg_catalog.pg_type t
  union all
  select 'language', quote_ident(l.lanname), '', l.lanacl, l.lanowner, 'pg_language', l.oid, 0 from pg_catalog.pg_language l where l.lanpltrusted
  union all
  select 'foreign server', quote_ident(s.srvname), '', s.srvacl, s.srvowner, 'pg_foreign_server', s.oid, 0 from pg_catalog.pg_foreign_server s
)
select o.kind, o.name || o.columns as name,
  case when o.columns = '' then format('revoke all on %s %s from public, %I; ', o.kind, o.name, pg_get_userbyid(o.owner)) else '' end
  || coalesce((
    select string_agg(format('grant %s on %s %s to %s%s; ', g.privileges, o.kind, o.name, g.grantee, case when g.is_grantable then ' with grant option' end), '' order by g.grantee)
    from (
      select string_agg(x.privilege_type || o.columns, ', ' order by x.privilege_type) as privileges, x.is_grantable,
        case when x.grantee = 0 then 'public' else quote_ident(r.rolname) end as grantee
      from aclexplode(o.acl) x left join pg_catalog.pg_roles r on r.oid = x.grantee
      where x.grantee = 0 or r.rolname is not null
      group by x.is_grantable, x.grantee, r.rolname
    ) g), '') as sql
from object o
where o.acl is not null
  and o.acl is distinct from (select i.initprivs from pg_catalog.pg_init_privs i where i.classoid = o.class and i.objoid = o.oid and i.objsubid = o.sub)
order by (o.columns <> ''), o.kind, o.name
