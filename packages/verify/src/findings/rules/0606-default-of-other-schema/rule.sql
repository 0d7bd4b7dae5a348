-- default_of_other_schema. Where: anywhere.
select 'error' as severity, 'column' as kind, format('%s.%I', c.oid::regclass, a.attname) as object,
  format('%s.%I takes its numbers from %s, in the schema of another tenant.', c.oid::regclass, a.attname, q.oid::regclass) as message,
  format('create sequence %I.%I owned by %s.%I; alter table %s alter column %I set default nextval(%L)', s.name, q.relname, c.oid::regclass, a.attname,
    c.oid::regclass, a.attname, format('%I.%I', s.name, q.relname)) as fix
from tenant_schemas s
join pg_class c on c.relnamespace = s.oid and c.relkind in ('r', 'p')
join pg_attrdef e on e.adrelid = c.oid
join pg_attribute a on a.attrelid = c.oid and a.attnum = e.adnum
join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = e.oid and d.refclassid = 'pg_class'::regclass
join pg_class q on q.oid = d.refobjid and q.relkind = 'S'
join tenant_schemas o on o.oid = q.relnamespace and o.oid <> s.oid
