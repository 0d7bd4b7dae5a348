-- policy_function_volatile. Where: anywhere.
select 'warning' as severity, 'function' as kind, f.oid::regprocedure::text as object,
  format('%s is volatile and a policy of %s calls it: it runs for every row, and no index is used.', f.oid::regprocedure, string_agg(distinct p.tbl_name, ', ')) as message,
  format('alter function %s stable', f.oid::regprocedure) as fix,
  min(p.tbl::int8)::oid as measure
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
join pg_proc f on f.oid = d.refobjid and f.provolatile = 'v' and f.pronamespace in (select oid from schemas)
where f.prosrc !~* '\m(insert\s+into|update\s+\w|delete\s+from|set_config)\M'
group by f.oid
