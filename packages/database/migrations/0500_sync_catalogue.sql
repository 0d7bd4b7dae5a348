-- What the sync engine keeps in the catalogue: connections, their sealed credentials, units of work and
-- API budgets. Numbers, ids and ciphertext only; no tenant's data. Read and written by rowhouse_control.

alter table rowhouse.connections
  add column connector text not null default '',
  add column account text not null default '',
  add column account_name text,
  add column base_url text not null default '',
  add column token_url text,
  add column state text not null default 'disconnected'
    constraint connection_state_is_known check (state in (
      'disconnected', 'authorizing', 'matching', 'backfilling', 'live', 'degraded', 'resyncing', 'paused'
    )),
  add column state_reason text,
  add column mapping jsonb not null default '[]',
  add column mapping_version int not null default 1,
  -- A person who resumes after the breaker of deletes has answered its question, until then.
  add column deletes_allowed_until timestamptz,
  add column poll_interval_ms int not null default 0,
  -- What the workers last measured: records, lag, latencies, errors.
  add column health jsonb not null default '{}',
  -- The stream in which the provider tells of changes: whether it is open, and since when. Null: never opened.
  add column events jsonb,
  -- Grows with every change of state or health, so that a watcher asks one cheap question.
  add column revision bigint not null default 0,
  add column updated_at timestamptz not null default now();

create unique index connection_to_an_account_is_unique
  on rowhouse.connections (organization_id, connector, account, base_url) where connector <> '';
create sequence rowhouse.connection_revisions;
create index connections_by_revision on rowhouse.connections (revision);

-- Where a connection's credentials rest. `sealed` is what the store `database` holds: each value sealed with a key of its
-- organization (0521) and bound to (organization, connection, field), and a version that grows with every refresh, so that
-- whoever used an older one re-reads instead of refreshing again.
create table rowhouse.sync_credentials (
  connection_id uuid primary key references rowhouse.connections (id) on delete cascade,
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  store text not null default 'database'
    constraint credential_store_is_known check (store in ('database', 'supabase_vault', 'hashicorp_vault')),
  -- What the store calls it.
  place text,
  sealed jsonb,
  -- The bundle's version that was committed last. A store that answers with an older one is behind, or was restored.
  version bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint the_database_holds_what_is_its_own check ((store = 'database') = (sealed is not null)),
  constraint other_stores_have_a_place check ((store = 'database') = (place is null))
);

-- One row per connection and lane. A worker holds it by lease; the epoch makes a lost lease harmless.
create table rowhouse.sync_units (
  connection_id uuid not null references rowhouse.connections (id) on delete cascade,
  lane text not null constraint lane_is_known check (lane in ('outbound', 'inbound', 'backfill', 'events')),
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  enabled boolean not null default false,
  due_at timestamptz not null default now(),
  -- A failed unit is not woken before this, whatever happens.
  not_before timestamptz not null default '-infinity',
  -- Grows with every wake-up, so that one that comes while the unit runs is not lost.
  wake bigint not null default 0,
  attempts int not null default 0,
  worker text,
  epoch bigint not null default 0,
  leased_until timestamptz,
  primary key (connection_id, lane)
);
create index sync_units_due on rowhouse.sync_units (due_at) where enabled;
create index sync_units_by_organization on rowhouse.sync_units (organization_id);

-- Whether workers want to be told of a commit. NOTIFY makes the commits that use it wait for each other, so it is for quiet
-- times, in which it saves asking: a worker that is told too often says until when it asks by itself instead, and nobody
-- tells it meanwhile. `infinity`: no worker hears anything.
create table rowhouse.sync_attention (
  one boolean primary key default true constraint there_is_one_row check (one),
  quiet_until timestamptz not null default 'infinity'
);
insert into rowhouse.sync_attention default values;

-- Tells the workers that an organization has changes, as soon as they are committed; of all organizations where none is
-- named. Called by what writes the change log. It is never the only word: workers ask by themselves too, only less often.
create function rowhouse.tell_sync(organization uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Once a transaction; rolled back with a savepoint, as the notification is. Whoever sets this by hand is told of later.
  if current_setting('rowhouse.sync_told', true) is not distinct from pg_current_xact_id()::text then
    return;
  end if;
  perform set_config('rowhouse.sync_told', pg_current_xact_id()::text, true);
  if organization is null then
    if not exists (select from rowhouse.sync_units u where u.lane = 'outbound' and u.enabled) then
      return;
    end if;
  elsif not exists (
    select from rowhouse.sync_units u where u.organization_id = organization and u.lane = 'outbound' and u.enabled
  ) then
    return;
  end if;
  perform rowhouse.notify_sync();
end
$$;

-- A transaction that notified cannot be prepared for a commit in two phases, and one that finds the queue full fails: where
-- either may be, nobody is told.
create function rowhouse.notify_sync() returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rowhouse.sync_attention a where a.quiet_until <= clock_timestamp())
    and current_setting('max_prepared_transactions') = '0' and pg_notification_queue_usage() < 0.5
  then
    perform pg_notify('rowhouse_sync', '');
  end if;
end
$$;

-- What a worker asks, in one question: whose changes this moment's snapshot sees and `since` did not, which makes the
-- outbound lanes of theirs due, those excepted whose own changes they are; which units are due, of which it takes up to
-- `slots`; and when the next one is, if within `horizon_ms`. With since = null every outbound lane is due once: a worker that begins does not know
-- what it missed.
create function rowhouse.sync_tick(
  since pg_snapshot, worker text, lease_ms int, slots int, lanes text[], horizon_ms int
)
  returns table (snapshot text, woken int, units jsonb, next_ms float8)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Before what is read, which may see more: then somebody is woken twice, never missed.
  seen pg_snapshot := pg_current_snapshot();
  seen_until timestamptz;
begin
  woken := 0;
  units := '[]';
  if since is null then
    update rowhouse.sync_units u
    set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp())
    where u.lane = 'outbound' and u.enabled;
    get diagnostics woken = row_count;
  elsif since::text <> seen::text then
    seen_until := rowhouse.changes_from(since);
    update rowhouse.sync_units u
    set wake = u.wake + 1, due_at = least(u.due_at, clock_timestamp())
    from (
      select l.organization_id, array_agg(distinct l.origin) as origins
      from (
        select n.organization_id, n.origin from rowhouse.change_log n
        where n.is_first and n.xid >= pg_snapshot_xmax(since) and n.at >= seen_until
        union all
        select n.organization_id, n.origin from rowhouse.change_log n
        where n.is_first and n.xid = any (array(select pg_snapshot_xip(since))) and n.at >= seen_until
      ) l
      group by l.organization_id
    ) c
    where u.organization_id = c.organization_id and u.lane = 'outbound' and u.enabled
      and c.origins <> array[u.connection_id::text];
    get diagnostics woken = row_count;
  end if;
  if slots > 0 then
    with due as materialized (
      select u.connection_id, u.lane, u.leased_until is not null as inherited from rowhouse.sync_units u
      where u.enabled and u.due_at <= clock_timestamp() and u.not_before <= clock_timestamp()
        and (u.leased_until is null or u.leased_until <= clock_timestamp())
        and u.lane = any (lanes)
      order by u.lane = 'backfill', u.due_at
      limit slots
      for update skip locked
    ),
    taken as (
      update rowhouse.sync_units u
      set worker = sync_tick.worker, epoch = u.epoch + 1,
        leased_until = clock_timestamp() + lease_ms * interval '1 millisecond'
      from due
      where u.connection_id = due.connection_id and u.lane = due.lane
      returning u.connection_id, u.organization_id, u.lane, u.epoch, u.wake, u.attempts, due.inherited
    )
    select coalesce(jsonb_agg(jsonb_build_object(
      'connectionId', t.connection_id, 'organizationId', t.organization_id, 'lane', t.lane, 'epoch', t.epoch::text,
      'wake', t.wake::text, 'attempts', t.attempts, 'inherited', t.inherited
    )), '[]') into units from taken t;
  end if;
  -- Null without any: greatest(0, null) would be 0, and a worker with nothing to do would ask without a pause.
  select extract(epoch from min(
    greatest(u.due_at, u.not_before, coalesce(u.leased_until, '-infinity'))) - clock_timestamp()) * 1000
  into next_ms
  from rowhouse.sync_units u
  where u.enabled and u.lane = any (lanes) and u.due_at <= clock_timestamp() + horizon_ms * interval '1 millisecond';
  snapshot := seen::text;
  return next;
end
$$;

-- Calls made to one account at a provider, whichever worker made them. A window is counted in twelve
-- slots of a tenth each: the sum over all of them bounds every sliding window, however late a reserved
-- call leaves.
create table rowhouse.sync_budgets (
  connector text not null,
  account text not null,
  name text not null,
  window_ms int not null,
  slot bigint not null default 0,
  slots int[] not null default array_fill(0, array[12]),
  day date not null default current_date,
  day_used int not null default 0,
  calls_max int not null,
  day_max int,
  -- The provider's own word on the day, from its headers; it counts more than the connector's description.
  day_learned int,
  -- When a call was let through although the day was used up, to hear whether it still is.
  asked_at timestamptz not null default '-infinity',
  closed_until timestamptz not null default '-infinity',
  primary key (connector, account, name, window_ms)
);

-- Calls under way at one account, for providers that limit how many there may be at one time. A worker that
-- dies gives its slots back when they lapse, a little after its calls would have timed out.
create table rowhouse.sync_slots (
  connector text not null,
  account text not null,
  name text not null,
  slot int not null,
  slots_max int not null,
  holder uuid not null,
  held_until timestamptz not null,
  primary key (connector, account, name, slot)
);
create index sync_slots_by_holder on rowhouse.sync_slots (holder);

-- Takes one slot of the account for a call, leaving `reserve` of them to more urgent work; false: none is free.
create function rowhouse.sync_take_slot(
  p_connector text, p_account text, p_name text, p_slots_max int, reserve int, p_holder uuid, hold_ms int
) returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Two workers may choose the same free slot: the one that comes second looks again.
  tries int := 3;
begin
  loop
    insert into rowhouse.sync_slots as s (connector, account, name, slot, slots_max, holder, held_until)
    select p_connector, p_account, p_name, free.n, p_slots_max, p_holder,
      clock_timestamp() + hold_ms * interval '1 millisecond'
    from (
      select n from generate_series(1, p_slots_max - reserve) n
      where not exists (
        select from rowhouse.sync_slots k
        where k.connector = p_connector and k.account = p_account and k.name = p_name and k.slot = n
          and k.held_until > clock_timestamp()
      )
      order by n
      limit 1
    ) free
    on conflict (connector, account, name, slot) do update
    set slots_max = excluded.slots_max, holder = excluded.holder, held_until = excluded.held_until
    where s.held_until <= clock_timestamp();
    if found then
      return true;
    end if;
    tries := tries - 1;
    if tries = 0 then
      return false;
    end if;
  end loop;
end
$$;

-- Takes up to `want` calls from one window, leaving `reserve` of them to more urgent work.
create function rowhouse.sync_reserve(
  p_connector text, p_account text, p_name text, p_window_ms int,
  p_calls_max int, p_day_max int, want int, reserve int
) returns table (granted int, retry_after_ms int)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  width bigint := greatest(p_window_ms / 10, 1);
  -- A provider's day is its own: another time zone's, or the last 24 hours. Asking four times an hour costs nothing of it.
  ask_again constant interval := '15 minutes';
  moment timestamptz;
  elapsed bigint;
  slot_now bigint;
  shift bigint;
  b rowhouse.sync_budgets;
  used int;
  day_limit int;
begin
  -- Nobody waits for the disk: a server that crashes may forget what was taken in its last moment, and the provider says so.
  perform set_config('synchronous_commit', 'off', true);
  insert into rowhouse.sync_budgets (connector, account, name, window_ms, calls_max, day_max)
  values (p_connector, p_account, p_name, p_window_ms, p_calls_max, p_day_max)
  on conflict (connector, account, name, window_ms) do nothing;
  select * into b from rowhouse.sync_budgets s
  where s.connector = p_connector and s.account = p_account and s.name = p_name and s.window_ms = p_window_ms
  for update;
  day_limit := coalesce(b.day_learned, p_day_max);
  -- After the row lock, so that slots never run backwards between workers.
  moment := clock_timestamp();
  if b.closed_until > moment then
    return query select 0, least(extract(epoch from b.closed_until - moment) * 1000, 86400000)::int + 1;
    return;
  end if;
  elapsed := (extract(epoch from moment) * 1000)::bigint;
  slot_now := elapsed / width;
  shift := greatest(slot_now - b.slot, 0);
  if shift >= 12 then
    b.slots := array_fill(0, array[12]);
  elsif shift > 0 then
    b.slots := b.slots[shift + 1:12] || array_fill(0, array[shift::int]);
  end if;
  b.slot := greatest(slot_now, b.slot);
  if b.day <> (moment at time zone 'UTC')::date then
    b.day := (moment at time zone 'UTC')::date;
    b.day_used := 0;
  end if;
  select sum(n) into used from unnest(b.slots) n;
  granted := least(want, p_calls_max - reserve - used);
  if day_limit is not null then
    granted := least(granted, day_limit - b.day_used);
  end if;
  granted := greatest(granted, 0);
  if granted = 0 and b.day_learned is not null and b.day_used >= day_limit and used < p_calls_max - reserve
    and b.asked_at <= moment - ask_again
  then
    granted := 1;
    b.asked_at := moment;
  end if;
  b.slots[12] := b.slots[12] + granted;
  update rowhouse.sync_budgets s
  set slot = b.slot, slots = b.slots, day = b.day, day_used = b.day_used + granted,
    calls_max = p_calls_max, day_max = day_limit, asked_at = b.asked_at
  where s.connector = p_connector and s.account = p_account and s.name = p_name and s.window_ms = p_window_ms;
  retry_after_ms := case
    when granted > 0 then 0
    when day_limit is not null and b.day_used >= day_limit
      then (extract(epoch from least(
        (b.day + 1)::timestamp at time zone 'UTC',
        case when b.day_learned is not null then greatest(b.asked_at + ask_again, moment + interval '1 second') end
      ) - moment) * 1000)::int + 1
    else (width - elapsed % width)::int + 1
  end;
  return next;
end
$$;

revoke all on function rowhouse.tell_sync(uuid), rowhouse.notify_sync(),
  rowhouse.sync_tick(pg_snapshot, text, int, int, text[], int) from public;
grant execute on function rowhouse.notify_sync(), rowhouse.sync_tick(pg_snapshot, text, int, int, text[], int)
  to rowhouse_control;
grant select, update on rowhouse.sync_attention to rowhouse_control;
revoke all on function rowhouse.sync_reserve(text, text, text, int, int, int, int, int) from public;
grant execute on function rowhouse.sync_reserve(text, text, text, int, int, int, int, int) to rowhouse_control;
revoke all on function rowhouse.sync_take_slot(text, text, text, int, int, uuid, int) from public;
grant execute on function rowhouse.sync_take_slot(text, text, text, int, int, uuid, int) to rowhouse_control;
grant select, insert, update, delete
  on rowhouse.connections, rowhouse.sync_credentials, rowhouse.sync_units, rowhouse.sync_budgets, rowhouse.sync_slots
  to rowhouse_control;
grant usage on sequence rowhouse.connection_revisions to rowhouse_control;
