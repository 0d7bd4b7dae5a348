-- On: plain.
-- One policy from a session variable; the application logs in as the role that owns the tables.
create role webapp login;
grant usage, create on schema public to webapp;
create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants, name text);
create index on projects (tenant_id);
alter table tenants owner to webapp;
alter table projects owner to webapp;
alter table projects enable row level security;
create policy tenant_isolation on projects using (tenant_id = current_setting('app.current_tenant_id')::uuid);
