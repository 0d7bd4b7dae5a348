-- copy_of_rows. Where: rowhouse, anywhere.
with recursive beneath (oid, reads) as (
  select v.oid, d.refobjid
  from pg_class v
  join pg_rewrite w on w.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
  where v.relkind = 'm'
  union
  -- Through views, and through what other materialized views hold.
  select b.oid, d.refobjid
  from beneath b
  join pg_class v on v.oid = b.reads and v.relkind in ('v', 'm')
  join pg_rewrite w on w.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
)
select 'error' as severity, 'materialized view' as kind, v.oid::regclass::text as object,
  format('The materialized view %s holds rows of %s without row security.', v.oid::regclass, string_agg(distinct t.name, ', ')) as message,
  format('revoke all on %s from public%s', v.oid::regclass,
    coalesce((select string_agg(', ' || quote_ident(r.name::text), '' order by r.name) from roles r), '')) as fix
from beneath b
join pg_class v on v.oid = b.oid
join tables t on t.oid = b.reads
where t.protected is not false
  and exists (select from reach h where has_table_privilege(h.role, v.oid, 'select') or has_any_column_privilege(h.role, v.oid, 'select'))
group by v.oid
