-- The change log's months. maintain_change_log() is called by whoever runs the control plane, every few minutes, and
-- again and again; it makes months ahead, and notes which are over. Late or never, no write fails: lines of a month
-- without a partition go to change_log_rest, and the next call makes that the partition of the months it holds.

-- Nobody changes or deletes a line, whoever they are. Triggers, because privileges do not hold the owner.
create function rowhouse.refuse_change_of_log() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'The change log is append-only: % of rowhouse.% is refused.', tg_op, tg_table_name
    using errcode = 'RH050', hint = 'A line that was wrong is followed by one that says so.';
end
$$;
-- A line goes only once retention has taken the seal that covers it: 0412_retention.sql. What makes that so is a row that
-- stays, not a setting of the session, which whoever may delete could set too.
create function rowhouse.refuse_change_of_line() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' and rowhouse.is_pruned(old.organization_id, old.xid, old.seq) then
    return old;
  end if;
  raise exception 'The change log is append-only: % of rowhouse.% is refused.', tg_op, tg_table_name
    using errcode = 'RH050', hint = 'A line that was wrong is followed by one that says so.';
end
$$;
create trigger is_append_only before update or delete on rowhouse.change_log
  for each row execute function rowhouse.refuse_change_of_line();
alter table rowhouse.change_log enable always trigger is_append_only;

create function rowhouse.make_log_append_only(part regclass) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_trigger t where t.tgrelid = part and t.tgname = 'is_not_truncated') then
    execute format('create trigger is_not_truncated before truncate on %s
      for each statement execute function rowhouse.refuse_change_of_log()', part);
  end if;
  execute format('alter table %s enable always trigger is_not_truncated', part);
  execute format('alter table %s enable row level security', part);
  if exists (select from pg_trigger t where t.tgrelid = part and t.tgname = 'is_append_only' and t.tgenabled <> 'A') then
    execute format('alter table %s enable always trigger is_append_only', part);
  end if;
end
$$;

-- Makes a table like the log and lets it in as the month that starts then. ATTACH, not CREATE … PARTITION OF, which would
-- wait for every writer and reader and have them wait: this takes the rest exclusively for a moment, which nobody writes.
create function rowhouse.make_change_log_month(starts_at timestamptz) returns text
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  ends_at constant timestamptz := starts_at + interval '1 month';
  name constant text := to_char(starts_at, '"change_log_"YYYY_MM');
begin
  execute format('create table rowhouse.%I (like rowhouse.change_log including all excluding identity)', name);
  execute format('alter table rowhouse.%I add constraint is_of_its_month check (at >= %L and at < %L)', name, starts_at, ends_at);
  execute format('alter table rowhouse.change_log attach partition rowhouse.%I for values from (%L) to (%L)', name, starts_at, ends_at);
  execute format('alter table rowhouse.%I drop constraint is_of_its_month', name);
  perform rowhouse.make_log_append_only(format('rowhouse.%I', name)::regclass);
  insert into rowhouse.change_log_partitions (name, starts_at, ends_at) values (name, starts_at, ends_at);
  return name;
end
$$;

-- Makes what the rest holds a partition of its own, from its first month to the end of its last, and a new rest. Reads
-- the rest once while it is locked, so it is for the rare day after months without maintenance.
create function rowhouse.adopt_change_log_rest() returns text
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  first_at timestamptz;
  end_at timestamptz;
  part text;
begin
  execute 'lock table rowhouse.change_log_rest in access exclusive mode';
  select date_trunc('month', min(r.at)), date_trunc('month', max(r.at)) + interval '1 month' into first_at, end_at
  from rowhouse.change_log_rest r;
  if first_at is null
    or exists (select from rowhouse.change_log_partitions p where p.starts_at < end_at and p.ends_at > first_at)
  then
    return null;
  end if;
  part := to_char(first_at, '"change_log_"YYYY_MM') || to_char(end_at, '"_to_"YYYY_MM');
  alter table rowhouse.change_log detach partition rowhouse.change_log_rest;
  execute format('alter table rowhouse.change_log_rest rename to %I', part);
  execute format('alter table rowhouse.change_log attach partition rowhouse.%I for values from (%L) to (%L)', part, first_at, end_at);
  create table rowhouse.change_log_rest partition of rowhouse.change_log default;
  perform rowhouse.make_log_append_only('rowhouse.change_log_rest');
  insert into rowhouse.change_log_partitions (name, starts_at, ends_at) values (part, first_at, end_at);
  return part;
end
$$;

-- Returns a line for each thing it did. A lock it does not get within two seconds it tries again the next time.
create function rowhouse.maintain_change_log(months_ahead int default 3) returns setof text
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
  set timezone = 'UTC'
as $$
declare
  this_month constant timestamptz := date_trunc('month', clock_timestamp());
  month timestamptz;
  adopted text;
begin
  if not pg_try_advisory_xact_lock(rowhouse.turn_key('log months')) then
    return;
  end if;
  begin
    if exists (select from rowhouse.change_log_rest) then
      adopted := rowhouse.adopt_change_log_rest();
      if adopted is not null then
        return next format('lines without a month are in %s', adopted);
      end if;
    end if;
    for month in
      select m from generate_series(this_month, this_month + make_interval(months => least(greatest(months_ahead, 0), 12)), interval '1 month') m
      where not exists (select from rowhouse.change_log_partitions p where p.starts_at <= m and p.ends_at > m)
        and not exists (select from rowhouse.change_log_rest r where r.at >= m and r.at < m + interval '1 month')
    loop
      return next format('made %s', rowhouse.make_change_log_month(month));
    end loop;
  exception when lock_not_available then
    return next 'the change log is busy; the next call makes what is missing';
  end;
  -- A day later, so that no clock that is set back writes into a month that readers pass over.
  update rowhouse.change_log_partitions p
  set ended_xid = pg_snapshot_xmax(pg_current_snapshot())
  where p.ended_xid is null and p.ends_at < clock_timestamp() - interval '1 day';
end
$$;

select rowhouse.make_log_append_only('rowhouse.change_log');
select rowhouse.make_log_append_only('rowhouse.change_log_rest');
select rowhouse.maintain_change_log();

revoke all on rowhouse.change_log_partitions, rowhouse.change_log_rest from public;
alter table rowhouse.change_log_partitions enable row level security;
create policy control_keeps_it on rowhouse.change_log_partitions for select to rowhouse_control using (true);
grant select on rowhouse.change_log_partitions to rowhouse_control;
revoke all on function
  rowhouse.maintain_change_log(int), rowhouse.make_change_log_month(timestamptz), rowhouse.adopt_change_log_rest(),
  rowhouse.make_log_append_only(regclass), rowhouse.refuse_change_of_log(), rowhouse.refuse_change_of_line(),
  rowhouse.changes_from(pg_snapshot),
  rowhouse.record_hash(text)
  from public;
grant execute on function rowhouse.maintain_change_log(int) to rowhouse_control;
grant execute on function rowhouse.changes_from(pg_snapshot), rowhouse.record_hash(text)
  to rowhouse_app, rowhouse_control, rowhouse_migrator, authenticated, service_role;
