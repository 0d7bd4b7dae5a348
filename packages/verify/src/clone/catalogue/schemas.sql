-- Schemas, and extensions with the version they have.
select 'pg_namespace' as class, n.oid::text as oid, 'schema' as kind, n.nspname::text as name, 0 as rank,
  format('create schema if not exists %I', n.nspname) as sql, null::text as stub, '{}'::text[] as aliases
from pg_catalog.pg_namespace n
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_namespace'::regclass and e.objid = n.oid and e.deptype = 'e'
  )
union all
select 'pg_extension', x.oid::text, 'extension', x.extname::text, 1,
  case when n.nspname = 'pg_catalog' then format('create extension if not exists %I cascade', x.extname)
    else format('create extension if not exists %I schema %I cascade', x.extname, n.nspname) end,
  null, '{}'
from pg_catalog.pg_extension x
join pg_catalog.pg_namespace n on n.oid = x.extnamespace
where x.extname <> 'plpgsql'
