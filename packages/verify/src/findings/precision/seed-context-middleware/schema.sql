-- On: plain.
-- organization_id, created_by and timestamps on every table, an audit log, context set by middleware for the transaction.
create role product_owner;
create role product_api login;
grant usage on schema public to product_api;
create table organisations (id uuid primary key default gen_random_uuid(), name text not null);
create table contacts (
  id uuid not null default gen_random_uuid(),
  organization_id uuid not null references organisations,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  email text,
  primary key (organization_id, id)
);
create table audit_logs (
  id bigint generated always as identity,
  organization_id uuid not null references organisations,
  user_id uuid,
  action text not null,
  old_data jsonb,
  new_data jsonb,
  primary key (organization_id, id)
);
alter table organisations owner to product_owner;
alter table contacts owner to product_owner;
alter table audit_logs owner to product_owner;
alter table organisations enable row level security;
alter table contacts enable row level security;
alter table audit_logs enable row level security;
create policy org on organisations using (id = (select nullif(current_setting('app.organization_id', true), '')::uuid));
create policy org on contacts using (organization_id = (select nullif(current_setting('app.organization_id', true), '')::uuid));
create policy org on audit_logs using (organization_id = (select nullif(current_setting('app.organization_id', true), '')::uuid));
grant select on organisations to product_api;
grant select, insert, update, delete on contacts to product_api;
grant select, insert on audit_logs to product_api;
