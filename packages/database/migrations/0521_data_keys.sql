-- Envelope encryption: each organization has a random data key, the product has one for its OAuth apps. They are here
-- wrapped by the key-encryption key, which only processes with ROWHOUSE_ENCRYPTION_KEY have. What is sealed names its key.

create table rowhouse.data_keys (
  id uuid primary key,
  -- Null for the product's own.
  organization_id uuid references rowhouse.organizations (id) on delete cascade,
  state text not null default 'current'
    constraint data_key_state_is_known check (state in ('current', 'retiring', 'destroyed')),
  wrapped text,
  -- The id of the key-encryption key, which says nothing about the key.
  wrapped_by text,
  created_at timestamptz not null default now(),
  wrapped_at timestamptz not null default now(),
  constraint current_keys_are_wrapped check (state <> 'current' or wrapped is not null),
  constraint destroyed_keys_hold_nothing check (state <> 'destroyed' or wrapped is null),
  constraint what_is_wrapped_says_by_which_key check ((wrapped is null) = (wrapped_by is null))
);
-- A destroyed key keeps its place, so that nobody who is late makes another one for an organization that was erased.
create unique index data_key_in_use_is_unique
  on rowhouse.data_keys (organization_id) nulls not distinct where state in ('current', 'destroyed');
create index data_keys_by_organization on rowhouse.data_keys (organization_id);
create index data_keys_by_wrapping on rowhouse.data_keys (wrapped_by);

-- The reference keeps a key as long as anything is sealed with it; the checks keep the reference true. A row without a key
-- is from before there were data keys, and nobody can read it.
alter table rowhouse.sync_credentials
  add column key_id uuid references rowhouse.data_keys (id),
  add constraint sealed_values_name_their_key check (
    sealed is null or key_id is null
    or (starts_with(sealed ->> 'accessToken', 'v2.' || key_id || '.')
      and starts_with(sealed ->> 'refreshToken', 'v2.' || key_id || '.')
      and starts_with(sealed ->> 'clientId', 'v2.' || key_id || '.')
      and starts_with(sealed ->> 'clientSecret', 'v2.' || key_id || '.'))
  );
alter table rowhouse.sync_apps
  add column key_id uuid references rowhouse.data_keys (id),
  add constraint sealed_secret_names_its_key check (key_id is null or starts_with(client_secret, 'v2.' || key_id || '.'));
alter table rowhouse.sync_authorizations
  add column key_id uuid references rowhouse.data_keys (id),
  add constraint sealed_verifier_names_its_key
    check (key_id is null or starts_with(code_verifier, 'v2.' || key_id || '.'));
create index sync_credentials_by_key on rowhouse.sync_credentials (key_id);
create index sync_credentials_by_organization on rowhouse.sync_credentials (organization_id);
create index sync_apps_by_key on rowhouse.sync_apps (key_id);
create index sync_authorizations_by_key on rowhouse.sync_authorizations (key_id);

-- Ends an organization's credentials for good: without its data key what is sealed with it is noise, also in every copy
-- made from now on. Waits for who is sealing at this moment. Returns how many keys were destroyed.
create function rowhouse.destroy_data_keys(organization uuid) returns int
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  destroyed int;
begin
  if organization is null then
    raise exception 'destroy_data_keys needs an organization' using errcode = '22004';
  end if;
  insert into rowhouse.data_keys (id, organization_id, state)
  values (gen_random_uuid(), organization, 'destroyed')
  on conflict (organization_id) where state in ('current', 'destroyed') do nothing;
  update rowhouse.data_keys k
  set wrapped = null, wrapped_by = null, state = case k.state when 'current' then 'destroyed' else k.state end
  where k.organization_id = destroy_data_keys.organization and k.wrapped is not null;
  get diagnostics destroyed = row_count;
  return destroyed;
end
$$;

revoke all on rowhouse.data_keys from public;
revoke all on function rowhouse.destroy_data_keys(uuid) from public;
grant select, insert, update, delete on rowhouse.data_keys to rowhouse_control;
grant execute on function rowhouse.destroy_data_keys(uuid) to rowhouse_control;
