-- Tables without what hangs on them, foreign tables, sequences, defaults.
with relation as (
  select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as ident,
    not c.relispartition and exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid) as is_child
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'
    )
),
columns as (
  select a.attrelid, a.attnum, a.attname, a.attislocal, a.attnotnull, a.attstorage, t.typstorage, a.attcompression, a.attoptions, c.relkind, c.is_child, c.ident,
    nn.oid as not_null, nn.conname as not_null_name, coalesce(nn.conislocal, false) as not_null_is_local,
    format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
      || coalesce((select format(' collate %I.%I', cn.nspname, co.collname) from pg_catalog.pg_collation co
        join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
        where co.oid = a.attcollation and a.attcollation <> t.typcollation), '')
      || case when a.attgenerated in ('s', 'v') then format(' generated always as (%s) %s', pg_get_expr(d.adbin, d.adrelid),
        case a.attgenerated when 's' then 'stored' else 'virtual' end) else '' end
      || coalesce((
        select format(' generated %s as identity (sequence name %I.%I start with %s increment by %s minvalue %s maxvalue %s cache %s%s)',
          case a.attidentity when 'a' then 'always' else 'by default' end, sn.nspname, sc.relname,
          s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' end)
        from pg_catalog.pg_depend sd
        join pg_catalog.pg_sequence s on s.seqrelid = sd.objid
        join pg_catalog.pg_class sc on sc.oid = s.seqrelid
        join pg_catalog.pg_namespace sn on sn.oid = sc.relnamespace
        where a.attidentity <> '' and sd.deptype = 'i' and sd.classid = 'pg_catalog.pg_class'::regclass
          and sd.refclassid = 'pg_catalog.pg_class'::regclass and sd.refobjid = a.attrelid and sd.refobjsubid = a.attnum), '')
      -- From 18 on a NOT NULL is a constraint with a name; one that is not valid is added later.
      || case when not a.attnotnull or nn.convalidated is false then ''
        when nn.oid is null then ' not null'
        else format(' constraint %I not null%s', nn.conname, case when nn.connoinherit then ' no inherit' end) end as text,
    case when a.attgenerated <> '' then d.oid end as generated
  from relation c
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join pg_catalog.pg_constraint nn on nn.conrelid = a.attrelid and nn.contype = 'n' and nn.conkey[1] = a.attnum
  where c.relkind in ('r', 'p', 'f')
),
-- Once for all tables: asked for each, the columns of all would be read for each, which is minutes for some thousand.
columns_of as (
  select k.attrelid,
    string_agg(case when k.attislocal or not k.is_child then k.text else format('constraint %I not null %I', k.not_null_name, k.attname) end,
      ', ' order by k.attnum) filter (where k.attislocal or not k.is_child or k.not_null_is_local) as list,
    array_agg('pg_attrdef:' || k.generated) filter (where k.generated is not null)
      || array_agg('pg_constraint:' || k.not_null) filter (where k.not_null is not null) as aliases
  from columns k group by k.attrelid
),
alterations_of as (
  select k.attrelid, string_agg('; alter table only ' || k.ident || x.text, '' order by k.attnum, x.text) as text
  from columns k
  cross join lateral (
    select format(' alter column %I set storage %s', k.attname,
      case k.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) as text
    where k.attstorage <> k.typstorage
    union all select format(' alter column %I set compression %s', k.attname, case k.attcompression when 'l' then 'lz4' else 'pglz' end)
    where k.attcompression <> ''
    union all select format(' alter column %I set (%s)', k.attname, array_to_string(k.attoptions, ', ')) where k.attoptions is not null
    union all select format(' alter column %I set not null', k.attname)
    where k.is_child and not k.attislocal and k.attnotnull and k.not_null is null
  ) x
  where k.relkind <> 'f'
  group by k.attrelid
)
select 'pg_class' as class, c.oid::text as oid, case c.relkind when 'f' then 'foreign table' else 'table' end as kind, c.ident as name, 21 as rank,
  format('create %s %s (%s)%s%s%s%s',
    case when c.relkind = 'f' then 'foreign table' when c.relpersistence = 'u' then 'unlogged table' else 'table' end, c.ident,
    ct.list,
    case when c.is_child then ' inherits (' || (
      select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno) from pg_catalog.pg_inherits i where i.inhrelid = c.oid) || ')' end,
    case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) end,
    case when c.relkind = 'f' then (select format(' server %I', s.srvname) from pg_catalog.pg_foreign_table f
      join pg_catalog.pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = c.oid) end,
    case when c.relkind <> 'f' then ' with (' || (select string_agg(format('%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ')
      from unnest(c.reloptions || array(
        select 'toast.' || t from pg_catalog.pg_class tc, unnest(tc.reloptions) t where tc.oid = c.reltoastrelid)) o) || ')' end)
    || coalesce(ca.text, '')
    || case when c.reloftype <> 0 then format('; alter table only %s of %s', c.ident, c.reloftype::regtype) else '' end
    || coalesce((select format('; alter table only %s attach partition %s %s', i.inhparent::regclass, c.ident, pg_get_expr(c.relpartbound, c.oid))
      from pg_catalog.pg_inherits i where c.relispartition and i.inhrelid = c.oid), '') as sql,
  null::text as stub,
  array_remove(array[case when c.reltype <> 0 then 'pg_type:' || c.reltype end,
    (select 'pg_type:' || t.typarray from pg_catalog.pg_type t where t.oid = c.reltype and t.typarray <> 0)], null)
    || ct.aliases
    || array(select 'pg_class:' || sd.objid from pg_catalog.pg_depend sd where sd.deptype = 'i' and sd.classid = 'pg_catalog.pg_class'::regclass
      and sd.refclassid = 'pg_catalog.pg_class'::regclass and sd.refobjid = c.oid and sd.refobjsubid > 0) as aliases
from relation c
left join columns_of ct on ct.attrelid = c.oid
left join alterations_of ca on ca.attrelid = c.oid
where c.relkind in ('r', 'p', 'f')
union all
select 'pg_class', c.oid::text, 'sequence', c.ident, 20,
  format('create %ssequence %s as %s increment by %s minvalue %s maxvalue %s start with %s cache %s%s',
    case when c.relpersistence = 'u' then 'unlogged ' end, c.ident, format_type(s.seqtypid, null),
    s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then ' cycle' end), null, '{}'
from relation c
join pg_catalog.pg_sequence s on s.seqrelid = c.oid
where not exists (select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
union all
select 'pg_attrdef', d.oid::text, 'default', format('%s.%I', c.ident, a.attname), 30,
  format('alter table only %s alter column %I set default %s', c.ident, a.attname, pg_get_expr(d.adbin, d.adrelid)), null, '{}'
from relation c
join pg_catalog.pg_attrdef d on d.adrelid = c.oid
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum and not a.attisdropped
where a.attgenerated = ''
