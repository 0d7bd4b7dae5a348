-- Credentials that rest outside of the catalogue's row: in Supabase Vault, which is in this database, or in a HashiCorp
-- Vault, which is elsewhere. What rests there is ciphertext, as it would be here. The row says where; when it says
-- something else, or goes, what rested there goes too, whoever changed it.

-- What is to be erased at a store that is no part of a transaction here. A line is written before something is made
-- there as well, so that a process that dies between the two leaves nothing behind. Ids only.
create table rowhouse.sync_store_leftovers (
  store text not null,
  place text not null,
  -- Not a reference: the line outlives the connection.
  connection_id uuid not null,
  due_at timestamptz not null default now(),
  attempts int not null default 0,
  primary key (store, place)
);
create index sync_store_leftovers_due on rowhouse.sync_store_leftovers (due_at);

-- Connections that were removed, until what their organization's home holds of them is gone too.
create table rowhouse.sync_removals (
  connection_id uuid primary key,
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  removed_at timestamptz not null default now()
);
create index sync_removals_by_organization on rowhouse.sync_removals (organization_id);

revoke all on rowhouse.sync_store_leftovers, rowhouse.sync_removals from public;
grant select, insert, update, delete on rowhouse.sync_store_leftovers, rowhouse.sync_removals to rowhouse_control;

-- The name of a connection's secret in Supabase Vault. These functions reach secrets of that name only, so that the
-- login that calls them reads no other secret of the project.
create function rowhouse.vault_name(connection uuid) returns text
  language sql immutable strict
  return 'rowhouse/connection/' || connection;

-- Makes the secret, or gives it another value. Returns its id.
create function rowhouse.vault_put(connection uuid, secret text) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  place uuid;
begin
  if connection is null or secret is null then
    raise exception 'vault_put needs a connection and a secret' using errcode = '22004';
  end if;
  select s.id into place from vault.secrets s where s.name = rowhouse.vault_name(connection);
  if place is null then
    return vault.create_secret(secret, rowhouse.vault_name(connection), 'Sealed credentials, kept by Rowhouse.');
  end if;
  perform vault.update_secret(place, secret);
  return place;
end
$$;

-- The secret, or null when there is none of that connection and id.
create function rowhouse.vault_get(connection uuid, place uuid) returns text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select d.decrypted_secret from vault.decrypted_secrets d
    where d.id = place and d.name = rowhouse.vault_name(connection)
  );
end
$$;

-- By its id as well: by the name alone it would take the one along that came in its place.
create function rowhouse.vault_erase(connection uuid, place uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from vault.secrets s where s.id = place and s.name = rowhouse.vault_name(connection);
end
$$;

-- Whether Supabase Vault is there and the functions above may use it: 'missing', 'outdated', 'not_granted' or 'ready'.
-- Before 0.3 it needs pgsodium, and its functions ran as whoever called them.
create function rowhouse.vault_state() returns text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- By the catalogues: a name is looked up by who may use the schema only.
  tables constant oid[] := array(
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'vault' and c.relname in ('secrets', 'decrypted_secrets') order by c.relname
  );
  functions constant oid[] := array(
    select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'vault' and p.proname in ('create_secret', 'update_secret')
  );
  decrypts constant oid[] := array(
    select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'vault' and p.proname = '_crypto_aead_det_decrypt'
  );
begin
  if cardinality(tables) < 2 or cardinality(functions) < 2 then
    return 'missing';
  end if;
  if cardinality(decrypts) = 0 then
    return 'outdated';
  end if;
  if has_schema_privilege('vault', 'usage')
    and has_table_privilege(tables[2], 'select') and has_table_privilege(tables[2], 'delete')
    and has_table_privilege(tables[1], 'select')
    and not exists (select from unnest(functions || decrypts) f where not has_function_privilege(f, 'execute'))
  then
    return 'ready';
  end if;
  return 'not_granted';
end
$$;

-- Erases what a row no longer names. In this database at once; elsewhere, and where the vault refuses, a line is left for
-- the workers, so that removing a connection never waits for a vault.
create function rowhouse.leave_credential_store() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if old.place is null then
    return null;
  end if;
  if tg_op = 'UPDATE' and (new.store, new.place) is not distinct from (old.store, old.place) then
    return null;
  end if;
  if old.store = 'supabase_vault' then
    begin
      perform rowhouse.vault_erase(old.connection_id, old.place::uuid);
      return null;
    exception when insufficient_privilege or undefined_table or invalid_schema_name then
      null;
    end;
  end if;
  insert into rowhouse.sync_store_leftovers as l (store, place, connection_id)
  values (old.store, old.place, old.connection_id)
  on conflict (store, place) do update set due_at = now();
  return null;
end
$$;
create trigger leave_credential_store after update or delete on rowhouse.sync_credentials
  for each row execute function rowhouse.leave_credential_store();

revoke all on function
  rowhouse.vault_name(uuid), rowhouse.vault_put(uuid, text), rowhouse.vault_get(uuid, uuid), rowhouse.vault_erase(uuid, uuid),
  rowhouse.vault_state(), rowhouse.leave_credential_store() from public;
grant execute on function
  rowhouse.vault_put(uuid, text), rowhouse.vault_get(uuid, uuid), rowhouse.vault_erase(uuid, uuid), rowhouse.vault_state()
  to rowhouse_control;
