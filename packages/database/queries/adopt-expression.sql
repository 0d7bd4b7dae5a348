-- What the expression of a view named rowhouse_adopt_expression is made of: its type, the columns of the table that it
-- reads, and the functions in it that may answer differently each time. $1: the table.
select
  (select format_type(a.atttypid, null) from pg_attribute a where a.attrelid = v.oid and a.attnum = 1) as type,
  pg_get_viewdef(v.oid) as definition,
  (
    select coalesce(array_agg(distinct a.attname::text), '{}')
    from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refobjid = $1::bigint::oid and d.refobjsubid > 0
  ) as columns,
  (
    select coalesce(array_agg(distinct p.oid::regprocedure::text), '{}')
    from regexp_matches(w.ev_action::text, ':(?:funcid|opfuncid|winfnoid|aggfnoid) (\d+)', 'g') f
    join pg_proc p on p.oid = f[1]::oid
    where p.provolatile = 'v'
  ) as volatile,
  (
    select coalesce(array_agg(distinct a.attname::text), '{}')
    from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid and a.attgenerated <> ''
    where d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refobjid = $1::bigint::oid
  ) as generated
from pg_class v
join pg_rewrite w on w.ev_class = v.oid
where v.relname = 'rowhouse_adopt_expression' and v.relnamespace = pg_my_temp_schema()
