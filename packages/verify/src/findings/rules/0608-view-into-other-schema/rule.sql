-- view_into_other_schema. Where: anywhere.
select 'error' as severity, 'view' as kind, v.oid::regclass::text as object,
  format('%s reads %s, in the schema of another tenant.', v.oid::regclass, string_agg(distinct c.oid::regclass::text, ', ')) as message,
  format('Make the view again with the tables of %s.', s.name) as fix
from tenant_schemas s
join pg_class v on v.relnamespace = s.oid and v.relkind in ('v', 'm')
join pg_rewrite w on w.ev_class = v.oid
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
join pg_class c on c.oid = d.refobjid
join tenant_schemas o on o.oid = c.relnamespace and o.oid <> s.oid
group by v.oid, s.name
