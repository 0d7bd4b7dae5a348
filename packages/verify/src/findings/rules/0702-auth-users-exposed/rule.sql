-- auth_users_exposed. Where: anywhere.
select 'error' as severity, case when v.relkind = 'm' then 'materialized view' else 'view' end as kind, v.oid::regclass::text as object,
  format('%s may read %s, which shows auth.users.', string_agg(distinct r.name::text, ', '), v.oid::regclass) as message,
  format('revoke all on %s from public, %s', v.oid::regclass, string_agg(distinct quote_ident(r.name::text), ', ')) as fix
from pg_class v
join schemas s on s.oid = v.relnamespace
join pg_rewrite w on w.ev_class = v.oid
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  and d.refobjid = to_regclass('auth.users')
join roles r on has_any_column_privilege(r.oid, v.oid, 'select')
where v.relkind in ('v', 'm')
  and not coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}', false)
group by v.oid, v.relkind
