-- What every rule may read, made from the model ($1) and the catalogue. rowhouse.findings() has the same names over
-- the model that Rowhouse knows: packages/verify/src/findings/prelude/prelude-rowhouse.sql.
with recursive
settings (rowhouse, supabase) as (
  select ($1::jsonb ->> 'rowhouse')::boolean, ($1::jsonb ->> 'supabase')::boolean
),
schemas (oid, name) as (
  select n.oid, n.nspname from pg_namespace n where $1::jsonb -> 'schemas' ? n.nspname
),
tenant_schemas (oid, name) as (
  select s.oid, s.name from jsonb_to_recordset($1::jsonb -> 'tenantSchemas') as s (oid oid, name name)
),
tenant_databases (oid, name) as (
  select d.oid, d.name from jsonb_to_recordset($1::jsonb -> 'tenantDatabases') as d (oid oid, name name)
),
roles (oid, name) as (
  select r.oid, r.name from jsonb_to_recordset($1::jsonb -> 'roles') as r (oid oid, name name)
),
model_tables (oid, att, root, protected) as (
  select t.oid, t.att, t.root, null::boolean
  from jsonb_to_recordset($1::jsonb -> 'tables') as t (oid oid, att int2, root boolean)
),
