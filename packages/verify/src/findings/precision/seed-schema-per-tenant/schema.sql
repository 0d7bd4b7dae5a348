-- On: plain.
-- A schema for each tenant, made from its name by a function; another sets the search_path from the JWT.
create role gateway login;
create schema tenant_acme;
create schema tenant_globex;
create table tenant_acme.projects (id uuid primary key default gen_random_uuid(), name text not null);
create table tenant_globex.projects (id uuid primary key default gen_random_uuid(), name text not null);
grant usage on schema public, tenant_acme, tenant_globex to gateway;
grant select, insert, update, delete on all tables in schema tenant_acme, tenant_globex to gateway;
create function create_tenant_schema(tenant_name text) returns text language plpgsql as $$
declare
  schema_name text := 'tenant_' || replace(tenant_name, '-', '_');
begin
  execute format('create schema %I', schema_name);
  execute format('create table %I.projects (id uuid primary key default gen_random_uuid(), name text not null)', schema_name);
  return schema_name;
end $$;
create function set_tenant_context() returns void language plpgsql as $$
declare
  tenant_schema text;
begin
  tenant_schema := 'tenant_' || (current_setting('request.jwt.claims')::jsonb -> 'app_metadata' ->> 'tenant_id');
  execute format('SET search_path TO %I, public', tenant_schema);
end $$;
