-- Who needs whom, as Postgres recorded it. What owns a sequence is said after both are there.
select distinct d.classid::regclass::text || ':' || d.objid as needing, d.refclassid::regclass::text || ':' || d.refobjid as needed
from pg_catalog.pg_depend d
where d.objid >= 16384 and d.refobjid >= 2200 and d.deptype in ('n', 'a', 'i', 'P', 'S')
  and not (d.deptype in ('a', 'i') and d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
    and exists (select from pg_catalog.pg_class c where c.oid = d.objid and c.relkind = 'S'))
union all
-- A partition of an index is attached to one that must be there.
select 'pg_class:' || i.inhrelid, 'pg_class:' || i.inhparent
from pg_catalog.pg_inherits i
union all
select 'sequence owner:' || d.objid, 'pg_class:' || x.oid
from pg_catalog.pg_depend d
join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
cross join lateral (values (d.objid), (d.refobjid)) x (oid)
where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype = 'a'
