-- outside_function. Where: anywhere.
select case when bool_or(l.rolcanlogin) then 'error' else 'warning' end as severity, 'extension' as kind, e.extname::text as object,
  format('%s may call functions of %s, which reach outside of this database, past row security.', string_agg(distinct r.name::text, ', '), e.extname) as message,
  format('Revoke execute on the functions of %s from public and %s.', e.extname, string_agg(distinct quote_ident(r.name::text), ', ')) as fix
from pg_extension e
join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
join pg_proc p on p.oid = d.objid
cross join roles r
join pg_roles l on l.oid = r.oid
where (e.extname in ('dblink', 'http', 'pg_net', 'adminpack', 'plpython3u', 'plperlu', 'pg_cron', 'lo') or (e.extname = 'postgres_fdw' and p.proname <> 'postgres_fdw_handler'))
  and p.prorettype not in ('trigger'::regtype, 'fdw_handler'::regtype, 'language_handler'::regtype)
  and has_function_privilege(r.oid, p.oid, 'execute') and has_schema_privilege(r.oid, p.pronamespace, 'usage')
  and p.proname !~ '(validator|disconnect|handler)'
group by e.extname
