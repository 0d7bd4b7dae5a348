-- policy_function_immutable. Where: rowhouse, anywhere.
select 'error' as severity, 'function' as kind, f.oid::regprocedure::text as object,
  format('%s is marked immutable, reads who is asking, and decides for a policy of %s: a plan that was kept for one tenant shows its rows to the next.',
    f.oid::regprocedure, string_agg(distinct p.tbl_name, ', ')) as message,
  format('alter function %s stable', f.oid::regprocedure) as fix
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
join pg_proc f on f.oid = d.refobjid and f.provolatile = 'i' and f.pronamespace <> 'pg_catalog'::regnamespace
where coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
  ~* '(current_setting\s*\(|auth\.(uid|jwt|role|email)\s*\(|rowhouse\.(organization_id|user_id)\s*\(|\m(current_user|session_user|current_role)\M)'
group by f.oid
