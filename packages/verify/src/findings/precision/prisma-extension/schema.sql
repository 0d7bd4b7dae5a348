-- On: plain.
-- Camel case, text keys, a bypass policy beside the tenant policy, settings made by a client extension.
create role prisma_owner;
create role prisma_app login;
grant usage on schema public to prisma_app;
create table "Company" (id text primary key, name text not null);
create table "User" (id text primary key, "companyId" text not null default current_setting('app.current_company_id', true) references "Company", email text not null);
create unique index "User_email_key" on "User" (email);
create table "Project" (id text primary key, "companyId" text not null references "Company", title text);
create index on "User" ("companyId");
create index on "Project" ("companyId");
alter table "Company" owner to prisma_owner;
alter table "User" owner to prisma_owner;
alter table "Project" owner to prisma_owner;
alter table "Company" enable row level security;
alter table "User" enable row level security;
alter table "Project" enable row level security;
alter table "Company" force row level security;
alter table "User" force row level security;
alter table "Project" force row level security;
create policy tenant_isolation_policy on "Company" using (id = current_setting('app.current_company_id', true));
create policy tenant_isolation_policy on "User" using ("companyId" = current_setting('app.current_company_id', true));
create policy tenant_isolation_policy on "Project" using ("companyId" = current_setting('app.current_company_id', true));
create policy bypass_rls_policy on "Project" using (current_setting('app.bypass_rls', true) = 'on');
grant select, insert, update, delete on "Company", "User", "Project" to prisma_app;
