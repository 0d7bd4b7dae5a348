-- What hangs on tables: views, rules, constraints, indexes, triggers, policies, statistics; and publications.
with relation as (
  select c.*, format('%I.%I', n.nspname, c.relname) as ident
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'
    )
)
select 'pg_class' as class, c.oid::text as oid, case c.relkind when 'm' then 'materialized view' else 'view' end as kind, c.ident as name,
  case c.relkind when 'm' then 45 else 35 end as rank,
  format('create %s %s%s as %s%s', case c.relkind when 'm' then 'materialized view' else 'or replace view' end, c.ident,
    ' with (' || (select string_agg(format('%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') from unnest(c.reloptions) o) || ')',
    rtrim(pg_get_viewdef(c.oid), '; '), case c.relkind when 'm' then ' with no data' end) as sql,
  -- Enough of the view for a function in a cycle with it to name its row.
  case c.relkind when 'v' then format('create view %s as select %s', c.ident, (
    select string_agg(format('null::%s%s as %I', format_type(a.atttypid, a.atttypmod),
      (select format(' collate %I.%I', cn.nspname, co.collname) from pg_catalog.pg_collation co
       join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
       where co.oid = a.attcollation and a.attcollation <> (select t.typcollation from pg_catalog.pg_type t where t.oid = a.atttypid)),
      a.attname), ', ' order by a.attnum)
    from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) end as stub,
  array_remove(array[case when c.reltype <> 0 then 'pg_type:' || c.reltype end,
    (select 'pg_type:' || t.typarray from pg_catalog.pg_type t where t.oid = c.reltype and t.typarray <> 0)], null)
    || array(select 'pg_rewrite:' || r.oid from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.rulename = '_RETURN') as aliases
from relation c
where c.relkind in ('v', 'm')
union all
select 'pg_rewrite', r.oid::text, 'rule', format('%I on %s', r.rulename, c.ident), 50,
  pg_get_ruledef(r.oid) || case r.ev_enabled when 'O' then '' else format('alter table %s %s rule %I', c.ident,
    case r.ev_enabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, r.rulename) end, null, '{}'
from relation c
join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.rulename <> '_RETURN'
union all
select 'pg_constraint', k.oid::text,
  case k.contype when 'p' then 'primary key' when 'u' then 'unique constraint' when 'f' then 'foreign key' when 'x' then 'exclusion constraint'
    when 'n' then 'not null constraint' else 'check constraint' end,
  format('%I on %s', k.conname, c.ident),
  case k.contype when 'f' then 62 when 'c' then 42 when 'n' then 42 else 40 end,
  format('alter table %s%s add constraint %I %s%s', case when k.contype in ('p', 'u', 'x') then 'only ' end, c.ident, k.conname, pg_get_constraintdef(k.oid),
    (select format('; alter index %s attach partition %s', pk.conindid::regclass, k.conindid::regclass)
     from pg_catalog.pg_constraint pk where k.contype in ('p', 'u', 'x') and pk.oid = k.conparentid)),
  null,
  case when k.contype in ('p', 'u', 'x') then array['pg_class:' || k.conindid] else '{}' end
from relation c
join pg_catalog.pg_constraint k on k.conrelid = c.oid
where c.relkind in ('r', 'p', 'f')
  and (k.contype in ('p', 'u', 'x') or k.contype = 'f' and k.conparentid = 0
    or k.contype = 'c' and (k.conislocal or k.coninhcount = 0) or k.contype = 'n' and not k.convalidated)
union all
select 'pg_class', i.indexrelid::text, 'index', x.ident, 41,
  pg_get_indexdef(i.indexrelid) || coalesce((select format('; alter index %s attach partition %s', h.inhparent::regclass, x.ident)
    from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid), ''),
  null, '{}'
from relation x
join pg_catalog.pg_index i on i.indexrelid = x.oid
where x.relkind in ('i', 'I')
  and not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
union all
select 'pg_trigger', t.oid::text, 'trigger', format('%I on %s', t.tgname, c.ident), 60, pg_get_triggerdef(t.oid), null, '{}'
from relation c
join pg_catalog.pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal and t.tgparentid = 0
union all
select 'pg_policy', p.oid::text, 'policy', format('%I on %s', p.polname, c.ident), 61,
  format('create policy %I on %s as %s for %s to %s%s%s', p.polname, c.ident,
    case when p.polpermissive then 'permissive' else 'restrictive' end,
    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
    (select string_agg(case when o = 0 then 'public' else quote_ident(pg_get_userbyid(o)) end, ', ') from unnest(p.polroles) o),
    ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'), null, '{}'
from relation c
join pg_catalog.pg_policy p on p.polrelid = c.oid
union all
select 'pg_statistic_ext', s.oid::text, 'statistics', format('%I.%I', n.nspname, s.stxname), 63, pg_get_statisticsobjdef(s.oid), null, '{}'
from relation c
join pg_catalog.pg_statistic_ext s on s.stxrelid = c.oid
join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
union all
select 'sequence owner', c.oid::text, 'sequence owner', c.ident, 22,
  format('alter sequence %s owned by %s.%I', c.ident, d.refobjid::regclass, a.attname), null, '{}'
from relation c
join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'a'
  and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0
join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where c.relkind = 'S'
union all
select 'pg_publication', p.oid::text, 'publication', quote_ident(p.pubname), 70,
  format('create publication %I%s with (publish = %L, publish_via_partition_root = %s)', p.pubname,
    case when p.puballtables then ' for all tables' else ' for ' || nullif(concat_ws(', ',
      (select string_agg(format('table only %s%s%s', r.prrelid::regclass,
          ' (' || (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
            where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)) || ')',
          ' where ' || '(' || pg_get_expr(r.prqual, r.prrelid) || ')'), ', ' order by r.prrelid::regclass::text)
        from pg_catalog.pg_publication_rel r where r.prpubid = p.oid),
      (select 'tables in schema ' || string_agg(quote_ident(n.nspname), ', ' order by n.nspname)
        from pg_catalog.pg_publication_namespace s join pg_catalog.pg_namespace n on n.oid = s.pnnspid where s.pnpubid = p.oid)), '') end,
    concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
      case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end),
    case when p.pubviaroot then 'true' else 'false' end), null, '{}'
from pg_catalog.pg_publication p
