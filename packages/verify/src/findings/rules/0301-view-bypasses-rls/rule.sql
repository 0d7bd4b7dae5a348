-- view_bypasses_rls. Where: rowhouse, anywhere.
select 'error' as severity, 'view' as kind, v.oid::regclass::text as object,
  format('The view %s reads %s as its owner, not as whoever asks.', v.oid::regclass, string_agg(distinct t.name, ', ')) as message,
  format('alter view %s set (security_invoker = true)', v.oid::regclass) as fix
from pg_class v
join pg_rewrite w on w.ev_class = v.oid
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
join tables t on t.oid = d.refobjid
where v.relkind = 'v'
  and not coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}', false)
  and case when t.protected is null
    then exists (select from reach h where has_table_privilege(h.role, v.oid, 'select, insert, update, delete')
      or has_any_column_privilege(h.role, v.oid, 'select'))
    else t.protected end
group by v.oid
