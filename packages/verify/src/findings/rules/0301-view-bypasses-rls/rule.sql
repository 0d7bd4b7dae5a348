-- view_bypasses_rls. Where: rowhouse, anywhere.
with recursive options (oid, invoker) as (
  select v.oid, coalesce((
    select bool_or(o.option_value::boolean) from pg_options_to_table(v.reloptions) o where o.option_name = 'security_invoker'
  ), false)
  from pg_class v
  where v.relkind = 'v'
),
-- What a view reads, and what the views in it read as their owners, whoever may read those. One with the option is asked by
-- whoever asks, also inside of another.
beneath (oid, reads) as (
  select o.oid, d.refobjid
  from options o
  join pg_rewrite w on w.ev_class = o.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> o.oid
  where not o.invoker
  union
  select b.oid, d.refobjid
  from beneath b
  join options o on o.oid = b.reads and not o.invoker
  join pg_rewrite w on w.ev_class = o.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> o.oid
)
select case when h.held then 'info' else 'error' end as severity, 'view' as kind, v.oid::regclass::text as object,
  format('The view %s reads %s as its owner, not as whoever asks%s.', v.oid::regclass, string_agg(distinct t.name, ', '),
    case when h.held then format('; row security holds %I as well, for as long as it is forced', o.rolname) else '' end) as message,
  format('alter view %s set (security_invoker = true)', v.oid::regclass) as fix
from beneath b
join pg_class v on v.oid = b.oid
join pg_roles o on o.oid = v.relowner
join tables t on t.oid = b.reads
-- An owner whom the same policies hold, and no other policy lets through, shows what whoever asks would see.
cross join lateral (
  select t.protected is null and not o.rolsuper and not o.rolbypassrls and bool_and(x.held) as held
  from beneath y
  join pg_class n on n.oid = y.reads and n.relkind in ('r', 'p', 'f', 'm', 'v')
  cross join lateral (
    select case
      when n.relkind in ('r', 'p') then n.relrowsecurity and (n.relforcerowsecurity or not pg_has_role(o.oid, n.relowner, 'usage'))
        and not exists (
          select from all_policies p
          where p.tbl = n.oid and p.permissive and p.roles <> '{0}'
            and exists (select from unnest(p.roles) r (oid) where r.oid <> 0 and pg_has_role(o.oid, r.oid, 'usage'))
        )
        or not exists (select from tables m where m.oid = n.oid)
      when n.relkind = 'v' then n.relowner = o.oid or (select s.invoker from options s where s.oid = n.oid)
      else false end as held
  ) x
  where y.oid = v.oid
) h
where case when t.protected is null
    then exists (select from reach h where has_table_privilege(h.role, v.oid, 'select, insert, update, delete')
      or has_any_column_privilege(h.role, v.oid, 'select'))
    else t.protected end
group by v.oid, o.rolname, h.held
