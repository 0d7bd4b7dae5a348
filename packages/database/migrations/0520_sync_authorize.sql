-- How a connection comes to its credentials by the provider's own page: the OAuth apps that the product is registered
-- as, and the consents that are under way. Read and written by rowhouse_control; secrets are sealed before they come here.

create table rowhouse.sync_apps (
  connector text primary key,
  client_id text not null,
  client_secret text not null,
  -- Asked for besides what the connector needs.
  scopes text[] not null default '{}',
  -- Where tokens and consent are, when they are not the provider's own.
  base_url text,
  updated_at timestamptz not null default now()
);

-- One row from the click to the answer. What travels through the browser is kept as a hash only: who reads this table can
-- neither start a consent nor end one.
create table rowhouse.sync_authorizations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  connector text not null,
  -- The connection that gets new credentials; null makes a new one.
  connection_id uuid references rowhouse.connections (id) on delete cascade,
  -- Who began it; nobody else can end it. Null for an operator.
  user_id uuid,
  base_url text,
  return_to text not null,
  ticket_hash bytea not null constraint ticket_is_taken_once unique,
  state_hash bytea,
  code_verifier text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  started_at timestamptz,
  used_at timestamptz,
  constraint what_was_started_has_a_state check ((started_at is null) = (state_hash is null)),
  constraint what_was_started_has_a_verifier check ((started_at is null) = (code_verifier is null)),
  constraint used_after_started check (used_at is null or started_at is not null),
  constraint expires_after_created check (expires_at > created_at)
);
create index sync_authorizations_by_organization on rowhouse.sync_authorizations (organization_id);
create index sync_authorizations_by_connection on rowhouse.sync_authorizations (connection_id);
create index sync_authorizations_expired on rowhouse.sync_authorizations (expires_at);

revoke all on rowhouse.sync_apps, rowhouse.sync_authorizations from public;
grant select, insert, update, delete on rowhouse.sync_apps, rowhouse.sync_authorizations to rowhouse_control;
