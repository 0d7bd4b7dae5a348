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

-- What the keys of advisory locks are made with. Any SQL may take an advisory lock whose key it knows, and hold it until its
-- transaction ends: so no tenant knows one. Nobody but the owner reads this, and nobody but who keeps the database sees the
-- locks that are held (0007_findings.sql). It is renewed with the identity of the database and never under its transactions,
-- whose locks would then be others than those of who came later.
create table rowhouse.lock_seed (
  only_row boolean primary key default true constraint there_is_one_row check (only_row),
  -- Of 244 random bits.
  seed bytea not null default pg_catalog.sha256(
    pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
  ) constraint seed_is_thirty_two_bytes check (octet_length(seed) = 32)
);
insert into rowhouse.lock_seed default values;

-- What stands before whatever a key is made of. `use` keeps those of organizations, slots and turns apart; each is as long.
create function rowhouse.read_lock_seed(use text) returns bytea
  language plpgsql volatile security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select s.seed || convert_to(use, 'UTF8') from rowhouse.lock_seed s);
end
$$;

-- The same for the planner to fold, or null where it must not be: as rowhouse.key_constant() in 0003_seal.sql. What holds it
-- compiles anew when the seed is renewed, because that touches the functions below, which are inlined.
create function rowhouse.lock_seed_constant(use text) returns bytea
  language plpgsql immutable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') = 'read committed' and current_setting('debug_print_plan') = 'off' then
    return rowhouse.read_lock_seed(use);
  end if;
  return null;
end
$$;

-- Key of the advisory lock that everything acting for an organization holds shared, and a move or a
-- suspension takes exclusively. Two organizations that share a key merely wait for each other.
-- By sha256, because Postgres shows a key to whom it tells of a deadlock, and from one key of Postgres' own hash functions the
-- seed, and with it every other key, follows in 2^32 steps. VOLATILE, or what may read a table would keep it from being inlined.
create function rowhouse.lock_key(organization uuid) returns bigint
  language sql volatile parallel restricted
  return pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(
    coalesce(rowhouse.lock_seed_constant('home'), rowhouse.read_lock_seed('home'))
    operator(pg_catalog.||) pg_catalog.uuid_send(organization)), 'hex'), 0);

-- Key of the lock by which those take turns who do one thing, such as 'rolls out'.
create function rowhouse.turn_key(what text) returns bigint
  language sql volatile parallel restricted
  return pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(
    coalesce(rowhouse.lock_seed_constant('turn'), rowhouse.read_lock_seed('turn'))
    operator(pg_catalog.||) pg_catalog.convert_to(what, 'UTF8')), 'hex'), 0);

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
