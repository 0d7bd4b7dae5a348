-- How long an organization's lines are kept, and how they go. Lines go seal by seal, the oldest first: those of a seal that
-- is older than the retention, and that every reader has passed. Each time leaves a mark with a MAC, as a seal has one; so a
-- missing line is either covered by a mark, or was removed by somebody else. Seals stay.

-- Null keeps for ever. Not below 30 days: whoever may set this must not be able to clear away last week.
alter table rowhouse.plans add column log_retention_days int
  constraint log_retention_is_in_bounds check (log_retention_days between 30 and 36500);

-- What an organization has of its own; without a row, its plan says.
create table rowhouse.log_retention (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  days int constraint log_retention_is_in_bounds check (days between 30 and 36500),
  updated_at timestamptz not null default now()
);

create function rowhouse.check_retention(days int) returns void
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if days not between 30 and 36500 then
    raise exception 'Lines of the change log cannot be kept for % days.', days
      using errcode = 'RH055', hint = 'Give 30 to 36500 days, or null to keep them for ever.';
  end if;
end
$$;

create function rowhouse.log_retention_of(organization uuid) returns table (days int, source text)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select case when r.organization_id is null then p.log_retention_days else r.days end,
      case when r.organization_id is null then 'plan' else 'organization' end
    from rowhouse.organizations o
    join rowhouse.plans p on p.id = o.plan
    left join rowhouse.log_retention r on r.organization_id = o.id
    where o.id = organization;
  if not found then
    raise exception 'No organization has the id %.', organization using errcode = 'RH007';
  end if;
end
$$;

-- days null: keep for ever. With follow_plan, the organization's own setting is taken back.
create function rowhouse.set_log_retention(organization uuid, days int, follow_plan boolean default false) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.check_retention(days);
  perform rowhouse.refuse_in_copy(organization);
  perform from rowhouse.organizations o where o.id = organization for key share;
  if not found then
    raise exception 'No organization has the id %.', organization using errcode = 'RH007';
  end if;
  if follow_plan then
    delete from rowhouse.log_retention r where r.organization_id = organization;
  else
    insert into rowhouse.log_retention as r (organization_id, days) values (organization, set_log_retention.days)
    on conflict (organization_id) do update set days = excluded.days, updated_at = now();
  end if;
end
$$;

create function rowhouse.set_plan_log_retention(plan text, days int) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.check_retention(days);
  update rowhouse.plans p set log_retention_days = set_plan_log_retention.days where p.id = plan;
  if not found then
    raise exception 'There is no plan named %.', plan using errcode = 'RH033';
  end if;
end
$$;

-- Where each reader of the log stands. The sync engine's own cursors are behind a forced policy that holds the owner too, so
-- a trigger brings their position here; without it retention would see no reader at all, and take what they have not read.
create table rowhouse.log_readers (
  organization_id uuid not null,
  connection_id uuid not null references rowhouse.connections (id) on delete cascade,
  snapshot pg_snapshot,
  primary key (organization_id, connection_id)
);

-- A mark. Seals up to through_seal have lost their lines.
create table rowhouse.audit_prunes (
  organization_id uuid not null,
  number bigint not null constraint numbers_begin_at_one check (number > 0),
  at timestamptz not null,
  days int not null constraint log_retention_is_in_bounds check (days between 30 and 36500),
  -- Every seal that is taken was made before.
  cutoff timestamptz not null,
  through_seal bigint not null,
  seal_mac bytea not null,
  mac bytea not null constraint mac_is_sha256 check (octet_length(mac) = 32),
  primary key (organization_id, number)
);
create trigger is_append_only before update or delete on rowhouse.audit_prunes
  for each row execute function rowhouse.refuse_change_of_log();
alter table rowhouse.audit_prunes enable always trigger is_append_only;
select rowhouse.make_log_append_only('rowhouse.audit_prunes');

-- Whether a mark covers the line. By the last seal it names alone: a line is in that one or an earlier one exactly when its
-- `until` sees the line's transaction and, where that seal was full, the line is not behind its last.
create function rowhouse.is_pruned(organization uuid, xid xid8, seq bigint) returns boolean
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  last record;
begin
  select s.since, s.until, s.through_seq into last
  from rowhouse.audit_prunes p
  join rowhouse.audit_seals s on s.organization_id = p.organization_id and s.number = p.through_seal
  where p.organization_id = organization
  order by p.number desc limit 1;
  return found and pg_visible_in_snapshot(xid, last.until) and (
    last.through_seq is null or seq <= last.through_seq
    or (last.since is not null and pg_visible_in_snapshot(xid, last.since))
  );
end
$$;

-- Whether every reader has passed every line of a seal.
create function rowhouse.is_read(seal rowhouse.audit_seals) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (
    select from rowhouse.log_readers r
    where r.organization_id = seal.organization_id
      and (pg_snapshot_xmax(seal.until) <= pg_snapshot_xmin(r.snapshot)) is not true
      and (r.snapshot is null or exists (
        select from rowhouse.change_log l
        where l.organization_id = seal.organization_id and l.seq = any (seal.seqs) and l.at <= seal.at
          and not pg_visible_in_snapshot(l.xid, r.snapshot)
      ))
  );
end
$$;

-- A mark says only what is so, whoever writes it.
create function rowhouse.check_prune() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  last record;
  seal rowhouse.audit_seals;
  expected bigint;
  problem text;
begin
  select p.number, p.through_seal into last
  from rowhouse.audit_prunes p where p.organization_id = new.organization_id order by p.number desc limit 1;
  expected := coalesce(last.through_seal, 0);
  if new.number <> coalesce(last.number, 0) + 1 or new.through_seal <= expected then
    problem := 'it does not follow the mark before it';
  elsif new.days is distinct from (select r.days from rowhouse.log_retention_of(new.organization_id) r) then
    problem := 'the retention is another';
  elsif new.cutoff > clock_timestamp() - make_interval(days => new.days) then
    problem := 'its time has not come';
  end if;
  for seal in
    select * from rowhouse.audit_seals s
    where problem is null and s.organization_id = new.organization_id and s.number > expected and s.number <= new.through_seal
    order by s.number
  loop
    expected := expected + 1;
    problem := case
      when seal.number <> expected then 'a seal is missing'
      when seal.at >= new.cutoff then 'a seal is younger'
      when not rowhouse.is_read(seal) then 'a reader has not passed it'
    end;
    exit when problem is not null;
  end loop;
  if problem is null and (expected <> new.through_seal or new.seal_mac <> seal.mac) then
    problem := 'a seal is missing';
  end if;
  if problem is not null then
    raise exception 'Lines of organization % up to seal % cannot be pruned: %.', new.organization_id, new.through_seal, problem
      using errcode = 'RH056', hint = 'Retention takes what is sealed, read by every reader and older than it: rowhouse audit retention.';
  end if;
  return new;
end
$$;
create trigger check_prune before insert on rowhouse.audit_prunes
  for each row execute function rowhouse.check_prune();
alter table rowhouse.audit_prunes enable always trigger check_prune;

-- The seals whose lines may go now, the oldest first, and what their lines are by now: who prunes checks both before it signs.
create function rowhouse.expired_seals(organization uuid, lines_max int default 10000)
  returns table (
    number bigint, at timestamptz, since pg_snapshot, until pg_snapshot, after_seq bigint, through_seq bigint, lines int,
    covered text, covered_now text, previous bytea, mac bytea,
    prune_number bigint, prune_at timestamptz, days int, cutoff timestamptz
  )
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  last record;
  seal rowhouse.audit_seals;
  total int := 0;
begin
  perform rowhouse.lock_seals(organization);
  select r.days into days from rowhouse.log_retention_of(organization) r;
  if days is null then
    return;
  end if;
  prune_at := clock_timestamp();
  cutoff := prune_at - make_interval(days => days);
  select p.number, p.through_seal into last
  from rowhouse.audit_prunes p where p.organization_id = organization order by p.number desc limit 1;
  prune_number := coalesce(last.number, 0) + 1;
  for seal in
    select * from rowhouse.audit_seals s
    where s.organization_id = organization and s.number > coalesce(last.through_seal, 0)
    order by s.number
  loop
    lines := cardinality(seal.seqs);
    exit when seal.at >= cutoff or (total > 0 and total + lines > lines_max) or not rowhouse.is_read(seal);
    total := total + lines;
    number := seal.number;
    at := seal.at;
    since := seal.since;
    until := seal.until;
    after_seq := seal.after_seq;
    through_seq := seal.through_seq;
    previous := seal.previous;
    mac := seal.mac;
    covered := rowhouse.seal_digest(seal.seqs, seal.digests);
    covered_now := (
      select rowhouse.seal_digest(coalesce(array_agg(l.seq order by l.seq), '{}'),
        coalesce(string_agg(rowhouse.line_digest(l), '' order by l.seq), ''))
      from rowhouse.change_log l
      where l.organization_id = organization and l.seq = any (seal.seqs)
    );
    return next;
    exit when total >= lines_max;
  end loop;
end
$$;

-- Writes the mark and removes the lines it covers. Returns how many went.
create function rowhouse.prune_change_log(
  organization uuid, number bigint, at timestamptz, days int, cutoff timestamptz, through_seal bigint, seal_mac bytea, mac bytea
) returns bigint
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  first_seal bigint;
  seal rowhouse.audit_seals;
  gone bigint;
  total bigint := 0;
begin
  perform rowhouse.lock_seals(organization);
  first_seal := coalesce((select max(p.through_seal) from rowhouse.audit_prunes p where p.organization_id = organization), 0) + 1;
  insert into rowhouse.audit_prunes (organization_id, number, at, days, cutoff, through_seal, seal_mac, mac)
  values (organization, number, at, days, cutoff, through_seal, seal_mac, mac);
  for seal in
    select * from rowhouse.audit_seals s
    where s.organization_id = organization and s.number between first_seal and through_seal
  loop
    delete from rowhouse.change_log l
    where l.organization_id = organization and l.seq = any (seal.seqs) and l.at <= seal.at;
    get diagnostics gone = row_count;
    total := total + gone;
  end loop;
  return total;
end
$$;

-- Who has lines to lose now.
create function rowhouse.organizations_to_prune() returns setof uuid
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select o.id
    from rowhouse.organizations o
    cross join lateral rowhouse.log_retention_of(o.id) r
    join rowhouse.audit_seals s on s.organization_id = o.id and s.number = 1 + coalesce((
      select p.through_seal from rowhouse.audit_prunes p where p.organization_id = o.id order by p.number desc limit 1
    ), 0)
    where s.at < clock_timestamp() - make_interval(days => r.days);
end
$$;

-- Drops months that are over and hold nothing any more; a lock it does not get at once it tries again the next time, because
-- whoever writes stands behind it in the queue. Returns their names.
create function rowhouse.drop_empty_log_months() returns setof text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  month record;
  holds_lines boolean;
begin
  if not pg_try_advisory_xact_lock(rowhouse.turn_key('log months')) then
    return;
  end if;
  for month in
    select p.name from rowhouse.change_log_partitions p
    where p.dropped_at is null and p.ended_xid <= pg_snapshot_xmin(pg_current_snapshot())
    order by p.starts_at
  loop
    execute format('select exists (select from rowhouse.%I)', month.name) into holds_lines;
    continue when holds_lines;
    begin
      lock table only rowhouse.change_log in access exclusive mode;
      execute format('lock table rowhouse.%I in access exclusive mode', month.name);
      execute format('select exists (select from rowhouse.%I)', month.name) into holds_lines;
      if not holds_lines then
        execute format('drop table rowhouse.%I', month.name);
        update rowhouse.change_log_partitions p set dropped_at = clock_timestamp() where p.name = month.name;
        return next month.name;
      end if;
    exception when lock_not_available then
      return;
    end;
  end loop;
end
$$;

revoke all on rowhouse.log_retention, rowhouse.log_readers, rowhouse.audit_prunes from public;
alter table rowhouse.log_retention enable row level security;
alter table rowhouse.log_readers enable row level security;
revoke all on function
  rowhouse.check_retention(int), rowhouse.log_retention_of(uuid), rowhouse.set_log_retention(uuid, int, boolean),
  rowhouse.set_plan_log_retention(text, int), rowhouse.is_pruned(uuid, xid8, bigint), rowhouse.is_read(rowhouse.audit_seals),
  rowhouse.check_prune(), rowhouse.expired_seals(uuid, int),
  rowhouse.prune_change_log(uuid, bigint, timestamptz, int, timestamptz, bigint, bytea, bytea),
  rowhouse.organizations_to_prune(), rowhouse.drop_empty_log_months()
  from public;
grant execute on function
  rowhouse.log_retention_of(uuid), rowhouse.set_log_retention(uuid, int, boolean), rowhouse.set_plan_log_retention(text, int),
  rowhouse.expired_seals(uuid, int),
  rowhouse.prune_change_log(uuid, bigint, timestamptz, int, timestamptz, bigint, bytea, bytea),
  rowhouse.organizations_to_prune(), rowhouse.drop_empty_log_months()
  to rowhouse_control;
