-- Who this database is, and the keys that prove it. Only rowhouse_owner reads these tables.
-- A key is stored as its two HMAC pads (64 bytes each), made once at install: a MAC is then
-- sha256(outer_pad || sha256(inner_pad || message)) and needs no extension.

create table rowhouse.database (
  only_row boolean primary key default true constraint there_is_one_row check (only_row),
  id uuid not null,
  -- A clone or a restore carries the rows of its source. A token is refused where the name differs,
  -- and the installer gives a database with another name or cluster an id and keys of its own.
  name name not null,
  system_identifier text not null,
  seal_inner_pad bytea not null constraint seal_inner_pad_is_one_block check (octet_length(seal_inner_pad) = 64),
  seal_outer_pad bytea not null constraint seal_outer_pad_is_one_block check (octet_length(seal_outer_pad) = 64),
  created_at timestamptz not null default now()
);

-- Keys that verify tokens. Several may be valid at once while keys are rotated.
create table rowhouse.keys (
  id text primary key constraint key_id_is_eight_hex_digits check (id ~ '^[0-9a-f]{8}$'),
  inner_pad bytea not null constraint inner_pad_is_one_block check (octet_length(inner_pad) = 64),
  outer_pad bytea not null constraint outer_pad_is_one_block check (octet_length(outer_pad) = 64),
  created_at timestamptz not null default now()
);

-- Key of the advisory lock that everything acting for an organization holds shared, and a move or a
-- suspension takes exclusively. Two organizations that share a key merely wait for each other.
create function rowhouse.lock_key(organization uuid) returns bigint
  language sql immutable strict parallel safe
  return pg_catalog.uuid_hash_extended(organization, 7264823);

-- What a program learns on its first connection; nothing here is secret. `oldest_runtime` is the first schema version whose
-- programs still work with this schema, the runtime in applications as well as API and worker: during an upgrade those of
-- before and after it are alive at once. Raise it in the migration that breaks one of them.
create function rowhouse.handshake()
  returns table (database_id uuid, schema_version int, oldest_runtime int, server_now timestamptz, token_key_ids text[])
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select
    d.id,
    (select max(m.version) from rowhouse.migrations m),
    802,
    clock_timestamp(),
    array(select k.id from rowhouse.keys k order by k.created_at desc)
  from rowhouse.database d
$$;
