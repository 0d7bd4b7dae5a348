-- Tables that rows can be planted in, with their columns, keys, references and checks. Partitions are filled through
-- their root; members of extensions are left alone.
select n.nspname::text as schema, c.relname::text as name, c.oid::text as oid,
  c.relkind = 'p' as partitioned,
  (
    select jsonb_agg(jsonb_build_object('name', a.attname, 'type', a.atttypid::text, 'typmod', a.atttypmod, 'text', format_type(a.atttypid, a.atttypmod),
      'notNull', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated <> '', 'default', pg_get_expr(d.adbin, d.adrelid),
      'sequence', (select dd.objid::regclass::text from pg_catalog.pg_depend dd join pg_catalog.pg_class s on s.oid = dd.objid and s.relkind = 'S'
        where dd.refclassid = 'pg_catalog.pg_class'::regclass and dd.refobjid = c.oid and dd.refobjsubid = a.attnum and dd.deptype in ('a', 'i') limit 1)
    ) order by a.attnum)
    from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) as columns,
  coalesce((
    select jsonb_agg(jsonb_build_object('name', k.conname, 'table', k.confrelid::text, 'columns', (
        select jsonb_agg(a.attname order by x.n) from unnest(k.conkey) with ordinality x (num, n)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.num
      ), 'targets', (
        select jsonb_agg(a.attname order by x.n) from unnest(k.confkey) with ordinality x (num, n)
        join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.num
      )) order by k.conname)
    from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
  ), '[]') as "references",
  coalesce((
    select jsonb_agg(jsonb_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'columns', coalesce((
        select jsonb_agg(a.attname) from pg_catalog.pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)), '[]')) order by k.conname)
    from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
  ), '[]') as checks,
  coalesce((
    select jsonb_agg(jsonb_build_object('name', x.relname, 'primary', i.indisprimary, 'columns', coalesce((
        select jsonb_agg(a.attname order by u.n) from unnest(i.indkey) with ordinality u (num, n)
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = u.num where u.n <= i.indnkeyatts), '[]')) order by i.indisprimary desc, x.relname)
    from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and i.indisunique
  ), '[]') as uniques,
  (
    with recursive leaf as (
      select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = c.oid and c.relkind = 'p'
      union all
      select i.inhrelid from leaf l join pg_catalog.pg_inherits i on i.inhparent = l.inhrelid
    )
    select coalesce(jsonb_agg(pg_get_partition_constraintdef(l.inhrelid) order by l.inhrelid), '[]')
    from leaf l join pg_catalog.pg_class lc on lc.oid = l.inhrelid and lc.relkind <> 'p'
  ) as bounds,
  coalesce((
    select jsonb_agg(jsonb_build_object('name', t.tgname, 'enabled', t.tgenabled) order by t.tgname)
    from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('A', 'R')
  ), '[]') as triggers
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'
  )
order by n.nspname, c.relname
