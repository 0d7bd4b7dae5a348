with recursive
settings (rowhouse, supabase) as (
  select true, to_regnamespace('auth') is not null
),
schemas (oid, name) as (
  select n.oid, n.nspname from pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rowhouse')
),
-- The schema of an organization holds protected tables: the policy keeps those apart as well.
tenant_schemas (oid, name) as (
  select n.oid, n.nspname from pg_namespace n where false
),
tenant_databases (oid, name) as (
  select d.oid, d.datname from pg_database d where false
),
roles (oid, name) as (
  select r.oid, r.rolname from pg_roles r where r.rolname in ('rowhouse_app', 'anon', 'authenticated')
),
model_tables (oid, att, root, protected) as (
  select t.target::oid, a.attnum, false, rowhouse.is_protected(t.target)
  from rowhouse.tenant_tables() t
  join pg_attribute a on a.attrelid = t.target and a.attname = 'organization_id' and not a.attisdropped
),
