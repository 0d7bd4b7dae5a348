-- Supabase Vault as a project has it, as supabase_admin: tables, functions, owners and privileges of supabase_vault 0.3
-- (https://github.com/supabase/vault, and https://github.com/supabase/postgres for who may call what). The extension is C
-- over libsodium and not to be had here, so its cipher is stood in for by reversing: what the tests show is who reaches
-- what, in which transaction; never that the vault's own encryption is any good.

create function vault._crypto_aead_det_encrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea language sql immutable as $$ select convert_to(reverse(encode(message, 'hex')), 'utf8') $$;
create function vault._crypto_aead_det_decrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea language sql immutable as $$ select decode(reverse(convert_from(message, 'utf8')), 'hex') $$;
create function vault._crypto_aead_det_noncegen() returns bytea language sql volatile as $$ select uuid_send(gen_random_uuid()) $$;

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default vault._crypto_aead_det_noncegen(),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
create unique index on vault.secrets (name) where name is not null;

create view vault.decrypted_secrets as
select s.id, s.name, s.description, s.secret,
  convert_from(vault._crypto_aead_det_decrypt(
    message := decode(s.secret, 'base64'), additional := convert_to(s.id::text, 'utf8'), key_id := 0,
    context := 'pgsodium'::bytea, nonce := s.nonce), 'utf8') as decrypted_secret,
  s.key_id, s.nonce, s.created_at, s.updated_at
from vault.secrets s;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid
  language plpgsql security definer
  set search_path = ''
as $$
declare
  made vault.secrets;
begin
  insert into vault.secrets (secret, name, description) values (new_secret, new_name, new_description) returning * into made;
  perform vault.update_secret(made.id, new_secret);
  return made.id;
end
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
) returns void
  language plpgsql security definer
  set search_path = ''
as $$
begin
  update vault.secrets s
  set
    secret = case when new_secret is null then s.secret
      else encode(vault._crypto_aead_det_encrypt(
        message := convert_to(new_secret, 'utf8'), additional := convert_to(s.id::text, 'utf8'), key_id := 0,
        context := 'pgsodium'::bytea, nonce := s.nonce), 'base64') end,
    name = coalesce(new_name, s.name),
    description = coalesce(new_description, s.description),
    updated_at = now()
  where s.id = secret_id;
end
$$;

revoke all on function
  vault._crypto_aead_det_encrypt, vault._crypto_aead_det_decrypt, vault._crypto_aead_det_noncegen, vault.create_secret,
  vault.update_secret
  from public;
grant usage on schema vault to postgres with grant option;
grant select, delete, truncate, references on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant execute on function vault.create_secret, vault.update_secret, vault._crypto_aead_det_decrypt to postgres with grant option;
grant usage on schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on function vault.create_secret, vault.update_secret, vault._crypto_aead_det_decrypt to service_role;
