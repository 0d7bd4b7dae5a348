-- How many transactions of one organization run at a time, counted where all processes and all logins meet: in the database
-- that it lives in. Each holds one of so many advisory locks until it ends; what dies lets go. Nothing is written, and nothing
-- needs to be cleaned up. docs/adr/0024-slots-are-locks.md says what else was weighed.

-- From which those of an organization's slots follow, as secret as the key of its own lock (0001_identity.sql): slot n is this
-- with n in its last bits. Whoever knows one knows the others of the same organization.
create function rowhouse.slots_key(organization uuid) returns bigint
  language sql volatile parallel restricted
  return pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256(
    coalesce(rowhouse.lock_seed_constant('slot'), rowhouse.read_lock_seed('slot'))
    operator(pg_catalog.||) pg_catalog.uuid_send(organization)), 'hex'), 0);

-- Takes one of an organization's slots for this transaction, and says whether it had to wait for one. Who comes first is served
-- first at each slot: a lock that somebody waits for is not given to who merely tries.
create function rowhouse.take_slot(organization uuid, slots int) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  key bigint := rowhouse.slots_key(organization);
  -- Not the same for all, so that they do not all try, and then wait for, the first one.
  start int := floor(random() * slots);
begin
  for n in 0 .. slots - 1 loop
    if pg_try_advisory_xact_lock(key # ((start + n) % slots)::bigint) then
      return false;
    end if;
  end loop;
  -- PostgREST has one pool for all: whoever waits there keeps a connection from everybody.
  if session_user = 'authenticator' then
    raise exception 'Organization % has % transactions under way, as many as it may.', organization, slots
      using errcode = 'RH010', hint = 'Try again in a moment.';
  end if;
  perform rowhouse.wait_for_slot(organization, key # start::bigint, slots);
  return true;
end
$$;

-- Bounded, as every wait for an organization is.
create function rowhouse.wait_for_slot(organization uuid, key bigint, slots int) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '5s'
as $$
begin
  perform pg_advisory_xact_lock(key);
exception when lock_not_available then
  raise exception 'Organization % has % transactions under way, as many as it may, and none ended within 5 s.', organization, slots
    using errcode = 'RH010', hint = 'Try again in a moment.';
end
$$;

revoke all on function
  rowhouse.slots_key(uuid), rowhouse.take_slot(uuid, int), rowhouse.wait_for_slot(uuid, bigint, int)
  from public;
