-- policy_function_search_path. Where: anywhere.
select 'warning' as severity, 'function' as kind, f.oid::regprocedure::text as object,
  format('%s decides for a policy of %s, and every caller may replace it or what it reads: it has no search_path of its own.', f.oid::regprocedure,
    min(p.tbl_name)) as message,
  format('alter function %s set search_path = pg_catalog, %s, pg_temp', f.oid::regprocedure, f.pronamespace::regnamespace) as fix
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
join pg_proc f on f.oid = d.refobjid and f.pronamespace in (select oid from schemas) and not f.prosecdef
where f.proconfig is null and f.prosqlbody is null and f.prosrc ~* '\mfrom\s+[a-z_]+\s*(\m[a-z]|$|\s)' and f.prosrc !~* '\mfrom\s+[a-z_"]+\.[a-z_"]+'
group by f.oid
