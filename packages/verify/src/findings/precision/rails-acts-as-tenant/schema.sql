-- On: plain.
-- Scopes in the application, none in the database; bigint keys; the application owns its tables.
create role rails login;
grant usage, create on schema public to rails;
create table accounts (id bigserial primary key, name varchar not null, subdomain varchar not null);
create unique index index_accounts_on_subdomain on accounts (subdomain);
create table users (id bigserial primary key, account_id bigint not null references accounts, email varchar not null);
create unique index index_users_on_email on users (email);
create index index_users_on_account_id on users (account_id);
create table projects (id bigserial primary key, account_id bigint not null references accounts, name varchar);
create index index_projects_on_account_id on projects (account_id);
create table tasks (id bigserial primary key, account_id bigint not null references accounts, project_id bigint references projects, title varchar);
create index index_tasks_on_account_id on tasks (account_id);
create index index_tasks_on_project_id on tasks (project_id);
create table schema_migrations (version varchar primary key);
alter table accounts owner to rails;
alter table users owner to rails;
alter table projects owner to rails;
alter table tasks owner to rails;
alter table schema_migrations owner to rails;
