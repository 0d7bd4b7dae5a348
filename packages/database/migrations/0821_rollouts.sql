-- The fleet's ledger, in the catalogue's database, beside rowhouse.tenant_migrations: every rollout, and how far each home is.
-- A home has the migrations up to rowhouse.homes.version, in order and without a gap, so that one comparison says whether
-- ten thousand homes are up to date.

-- Each runner gets a greater number; see rowhouse.raise_rollout_fence().
create sequence rowhouse.rollout_fences;

create table rowhouse.rollouts (
  id uuid primary key default gen_random_uuid(),
  -- The version that every home is to have.
  target text not null,
  fence bigint not null,
  state text not null default 'running'
    constraint state_is_known check (state in ('running', 'stopped', 'incomplete', 'done', 'superseded')),
  -- What it was started with; no secret is among it.
  options jsonb not null,
  -- Of the wave that is under way.
  wave int not null default 0,
  waves_total int not null,
  started_by name not null default session_user,
  started_at timestamptz not null default clock_timestamp(),
  -- A runner writes it every few seconds.
  heartbeat_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- Why it stopped.
  code text,
  message text,
  -- When somebody asked it to stop; whoever runs it looks with every beat, wherever that is.
  cancelled_at timestamptz,
  constraint an_end_has_a_time check ((state = 'running') = (finished_at is null))
);
create unique index one_rollout_runs_at_a_time on rowhouse.rollouts ((true)) where state = 'running';
create index rollouts_by_start on rowhouse.rollouts (started_at desc);

create table rowhouse.rollout_homes (
  rollout_id uuid not null references rowhouse.rollouts (id) on delete cascade,
  home_id uuid not null references rowhouse.homes (id) on delete cascade,
  wave int not null,
  state text not null default 'waiting'
    -- blocked: its locks were never granted, or its database did not answer. It is tried again by the next run.
    constraint state_is_known check (state in ('waiting', 'done', 'failed', 'blocked')),
  attempts int not null default 0,
  code text,
  message text,
  -- The migration that failed, and the line of it.
  version text,
  line int,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (rollout_id, home_id)
)
-- Each line is written twice. With room beside it, and no index of what the second time changes, that is two thirds of the work.
with (fillfactor = 45);
create index rollout_homes_by_home on rowhouse.rollout_homes (home_id);

-- What a runner says of homes; it is refused when another runner has taken the rollout over.
create function rowhouse.record_rollout_homes(
  rollout uuid, fence bigint, homes uuid[], state text, version text default null, code text default null,
  message text default null, line int default null
) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rowhouse.rollouts r
  where r.id = rollout and r.fence = record_rollout_homes.fence and r.state = 'running'
  for key share;
  if not found then
    raise exception 'Another runner has taken over the rollout %.', rollout
      using errcode = 'RH088', hint = 'See rowhouse migrate status.';
  end if;
  if record_rollout_homes.state = 'done' or (record_rollout_homes.state = 'waiting' and record_rollout_homes.version is not null) then
    update rowhouse.homes h set version = record_rollout_homes.version::bigint, updated_at = now()
    where h.id = any (record_rollout_homes.homes) and coalesce(h.version, 0) < record_rollout_homes.version::bigint;
  end if;
  update rowhouse.rollout_homes r
  set state = record_rollout_homes.state, version = record_rollout_homes.version, code = record_rollout_homes.code,
    message = left(record_rollout_homes.message, 2000), line = record_rollout_homes.line, attempts = r.attempts + 1,
    updated_at = clock_timestamp()
  where r.rollout_id = rollout and r.home_id = any (record_rollout_homes.homes);
end
$$;

-- Asks the rollout to stop between two homes, or ends it where whoever ran it is gone. Says whether there was anything to do.
create function rowhouse.cancel_rollout(rollout uuid) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowhouse.is_rolling_out() then
    update rowhouse.rollouts r set cancelled_at = coalesce(r.cancelled_at, clock_timestamp())
    where r.id = rollout and r.state = 'running';
  else
    update rowhouse.rollouts r
    set state = 'stopped', finished_at = clock_timestamp(), cancelled_at = clock_timestamp(), code = 'rollout_cancelled',
      message = 'It was cancelled after whoever ran it had gone.'
    where r.id = rollout and r.state = 'running';
  end if;
  return found;
end
$$;

-- Organizations that get every migration first.
create table rowhouse.canaries (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  marked_by name not null default session_user,
  marked_at timestamptz not null default now()
);

create function rowhouse.mark_canary(organization uuid, is_canary boolean default true) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from rowhouse.organizations o where o.id = organization) then
    raise exception 'No organization has the id %.', organization using errcode = 'RH007';
  end if;
  if is_canary then
    insert into rowhouse.canaries (organization_id) values (organization) on conflict do nothing;
  else
    delete from rowhouse.canaries c where c.organization_id = organization;
  end if;
end
$$;

create table rowhouse.drift_reports (
  id bigint generated always as identity primary key,
  checked_at timestamptz not null default clock_timestamp(),
  homes int not null,
  drifted int not null,
  -- As `rowhouse migrate drift --json` prints it: names of structures, no row of a tenant.
  report jsonb not null
);

-- Session lock of the process that rolls out; whether it is held says whether a rollout is under way or was interrupted.
create function rowhouse.rollout_lock_key() returns bigint
  language sql volatile
  return rowhouse.turn_key('rolls out');

create function rowhouse.is_rolling_out() returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.mode = 'ExclusiveLock' and l.granted and l.objsubid = 1
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and (l.classid::bigint << 32 | l.objid::bigint) = (select rowhouse.rollout_lock_key())
  )
$$;

alter table rowhouse.rollouts enable row level security;
alter table rowhouse.rollout_homes enable row level security;
alter table rowhouse.canaries enable row level security;
alter table rowhouse.drift_reports enable row level security;
create policy control_reads_it on rowhouse.rollouts for select to rowhouse_control using (true);
create policy control_reads_it on rowhouse.rollout_homes for select to rowhouse_control using (true);
create policy control_reads_it on rowhouse.canaries for select to rowhouse_control using (true);
create policy control_reads_it on rowhouse.drift_reports for select to rowhouse_control using (true);
revoke all on rowhouse.rollouts, rowhouse.rollout_homes, rowhouse.canaries, rowhouse.drift_reports
  from public;
grant select on rowhouse.rollouts, rowhouse.rollout_homes, rowhouse.canaries, rowhouse.drift_reports
  to rowhouse_control;
revoke all on sequence rowhouse.rollout_fences from public;
revoke all on function
  rowhouse.record_rollout_homes(uuid, bigint, uuid[], text, text, text, text, int), rowhouse.mark_canary(uuid, boolean),
  rowhouse.rollout_lock_key(), rowhouse.is_rolling_out(), rowhouse.cancel_rollout(uuid)
  from public;
grant execute on function
  rowhouse.mark_canary(uuid, boolean), rowhouse.rollout_lock_key(), rowhouse.is_rolling_out(), rowhouse.cancel_rollout(uuid)
  to rowhouse_control;
