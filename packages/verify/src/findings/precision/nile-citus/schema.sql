-- On: plain.
-- The tenant first in every key and reference, as distributed tables need it; filters come from the application.
create role citus_owner;
create role citus_app login;
grant usage on schema public to citus_app;
create table tenants (id uuid primary key default gen_random_uuid(), name text);
create table todos (tenant_id uuid not null references tenants, id uuid not null default gen_random_uuid(), title text, primary key (tenant_id, id));
create table steps (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  todo_id uuid not null,
  body text,
  primary key (tenant_id, id),
  foreign key (tenant_id, todo_id) references todos (tenant_id, id) on delete cascade
);
create index on steps (tenant_id, todo_id);
create table countries (code text primary key, name text);
alter table tenants owner to citus_owner;
alter table todos owner to citus_owner;
alter table steps owner to citus_owner;
alter table countries owner to citus_owner;
grant select on tenants, countries to citus_app;
grant select, insert, update, delete on todos, steps to citus_app;
