-- Who owns what, where it is not $1, the login that copies. Sequences of columns follow their table.
select kind, name, format('alter %s %s owner to %I', kind, name, owner) as sql
from (
  select 'schema' as kind, quote_ident(n.nspname) as name, pg_get_userbyid(n.nspowner) as owner, 'pg_namespace'::regclass as class, n.oid
  from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' when 'S' then 'sequence' else 'table' end,
    c.oid::regclass::text, pg_get_userbyid(c.relowner), 'pg_class', c.oid
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and not (c.relkind = 'S' and exists (select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0))
  union all
  select case p.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end, p.oid::regprocedure::text, pg_get_userbyid(p.proowner), 'pg_proc', p.oid
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
  union all
  select case t.typtype when 'd' then 'domain' else 'type' end, t.oid::regtype::text, pg_get_userbyid(t.typowner), 'pg_type', t.oid
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace left join pg_catalog.pg_class c on c.oid = t.typrelid
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c')
  union all
  select 'operator', o.oid::regoperator::text, pg_get_userbyid(o.oprowner), 'pg_operator', o.oid
  from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace where n.nspname !~ '^pg_'
  union all
  select 'publication', quote_ident(p.pubname), pg_get_userbyid(p.pubowner), 'pg_publication', p.oid from pg_catalog.pg_publication p
  union all
  select 'server', quote_ident(s.srvname), pg_get_userbyid(s.srvowner), 'pg_foreign_server', s.oid from pg_catalog.pg_foreign_server s
  union all
  select 'event trigger', quote_ident(e.evtname), pg_get_userbyid(e.evtowner), 'pg_event_trigger', e.oid from pg_catalog.pg_event_trigger e
) o
where owner <> $1
  and not exists (select from pg_catalog.pg_depend e where e.classid = o.class and e.objid = o.oid and e.deptype = 'e')
