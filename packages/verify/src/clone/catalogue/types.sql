-- Enums, domains, composite types and ranges; collations, and the parts of text search that are not written in C.
select 'pg_type' as class, t.oid::text as oid,
  case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite type' when 'r' then 'range type' else 'base type' end as kind,
  format('%I.%I', n.nspname, t.typname) as name, 5 as rank,
  case t.typtype
    when 'e' then format('create type %I.%I as enum (%s)', n.nspname, t.typname, (
      select coalesce(string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder), '')
      from pg_catalog.pg_enum e where e.enumtypid = t.oid))
    when 'd' then format('create domain %I.%I as %s%s%s%s', n.nspname, t.typname,
      format_type(t.typbasetype, t.typtypmod),
      (select format(' collate %I.%I', cn.nspname, co.collname)
       from pg_catalog.pg_type b, pg_catalog.pg_collation co
       join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
       where b.oid = t.typbasetype and co.oid = t.typcollation and t.typcollation <> b.typcollation),
      ' default ' || pg_get_expr(t.typdefaultbin, 0), case when t.typnotnull then ' not null' end)
    when 'c' then format('create type %I.%I as (%s)', n.nspname, t.typname, (
      select coalesce(string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        (select format(' collate %I.%I', cn.nspname, co.collname)
         from pg_catalog.pg_type b, pg_catalog.pg_collation co
         join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
         where b.oid = a.atttypid and co.oid = a.attcollation and a.attcollation <> b.typcollation)
      ), ', ' order by a.attnum), '')
      from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
    when 'r' then (
      select format('create type %I.%I as range (subtype = %s, subtype_opclass = %s%s%s%s)', n.nspname, t.typname,
        format_type(r.rngsubtype, null),
        (select format('%I.%I', on_.nspname, oc.opcname) from pg_catalog.pg_opclass oc
         join pg_catalog.pg_namespace on_ on on_.oid = oc.opcnamespace where oc.oid = r.rngsubopc),
        (select format(', collation = %I.%I', cn.nspname, co.collname) from pg_catalog.pg_collation co
         join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace where co.oid = r.rngcollation),
        case when r.rngsubdiff <> 0 then ', subtype_diff = ' || r.rngsubdiff::regproc end,
        (select format(', multirange_type_name = %I.%I', mn.nspname, m.typname) from pg_catalog.pg_type m
         join pg_catalog.pg_namespace mn on mn.oid = m.typnamespace where m.oid = r.rngmultitypid))
      from pg_catalog.pg_range r where r.rngtypid = t.oid)
  end as sql,
  null::text as stub,
  array_remove(array[
    case when t.typarray <> 0 then 'pg_type:' || t.typarray end,
    case when t.typrelid <> 0 then 'pg_class:' || t.typrelid end,
    (select 'pg_type:' || r.rngmultitypid from pg_catalog.pg_range r where r.rngtypid = t.oid),
    (select 'pg_type:' || m.typarray from pg_catalog.pg_range r
     join pg_catalog.pg_type m on m.oid = r.rngmultitypid where r.rngtypid = t.oid)
  ], null) as aliases
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c' or t.typtype = 'b' and t.typelem = 0)
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_type'::regclass and e.objid = t.oid and e.deptype = 'e'
  )
  -- The row type of a composite type that belongs to an extension is no member itself.
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = t.typrelid and e.deptype = 'e'
  )
union all
select 'pg_constraint', k.oid::text, 'domain constraint', format('%s: %I', k.contypid::regtype, k.conname), 42,
  format('alter domain %s add constraint %I %s', k.contypid::regtype, k.conname, pg_get_constraintdef(k.oid)), null, '{}'
from pg_catalog.pg_constraint k
join pg_catalog.pg_namespace n on n.oid = k.connamespace
where k.contypid <> 0 and k.contype = 'c' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_type'::regclass and e.objid = k.contypid and e.deptype = 'e'
  )
union all
-- The columns of pg_collation differ between versions, so they are read as JSON.
select 'pg_collation', o.oid::text, 'collation', format('%I.%I', n.nspname, o.collname), 2,
  format('create collation %I.%I (%s)', n.nspname, o.collname, concat_ws(', ',
    'provider = ' || case o.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
    'locale = ' || quote_literal(coalesce(j.row ->> 'colllocale', j.row ->> 'colliculocale', j.row ->> 'collcollate')),
    case when not o.collisdeterministic then 'deterministic = false' end,
    'rules = ' || quote_literal(j.row ->> 'collicurules'))),
  null, '{}'
from pg_catalog.pg_collation o
join pg_catalog.pg_namespace n on n.oid = o.collnamespace
cross join lateral (select to_jsonb(o) as row) j
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_collation'::regclass and e.objid = o.oid and e.deptype = 'e'
  )
union all
select 'pg_ts_dict', d.oid::text, 'text search dictionary', format('%I.%I', n.nspname, d.dictname), 4,
  format('create text search dictionary %I.%I (template = %I.%I%s)', n.nspname, d.dictname, tn.nspname, t.tmplname,
    ', ' || d.dictinitoption),
  null, '{}'
from pg_catalog.pg_ts_dict d
join pg_catalog.pg_namespace n on n.oid = d.dictnamespace
join pg_catalog.pg_ts_template t on t.oid = d.dicttemplate
join pg_catalog.pg_namespace tn on tn.oid = t.tmplnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_ts_dict'::regclass and e.objid = d.oid and e.deptype = 'e'
  )
union all
select 'pg_ts_config', g.oid::text, 'text search configuration', format('%I.%I', n.nspname, g.cfgname), 6,
  format('create text search configuration %I.%I (parser = %I.%I)', n.nspname, g.cfgname, pn.nspname, p.prsname)
    || coalesce((
      select string_agg(format('; alter text search configuration %I.%I add mapping for %I with %s', n.nspname, g.cfgname, m.alias, m.dictionaries), '' order by m.alias)
      from (
        select tt.alias, string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno) as dictionaries
        from pg_catalog.pg_ts_config_map m
        join pg_catalog.ts_token_type(g.cfgparser) tt on tt.tokid = m.maptokentype
        where m.mapcfg = g.oid
        group by tt.alias
      ) m), ''),
  null, '{}'
from pg_catalog.pg_ts_config g
join pg_catalog.pg_namespace n on n.oid = g.cfgnamespace
join pg_catalog.pg_ts_parser p on p.oid = g.cfgparser
join pg_catalog.pg_namespace pn on pn.oid = p.prsnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_ts_config'::regclass and e.objid = g.oid and e.deptype = 'e'
  )
