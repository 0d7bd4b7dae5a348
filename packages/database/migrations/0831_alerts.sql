-- An organization whose application's statements became slow, seen against its own past before it complains. What is usual is the median
-- of the p95 of its windows of ten minutes over a day, so that an hour that was slow once, or a night that was quiet, does
-- not move it. An alert opens where the p95 of the last minutes is three times that, and closes where it is one and a half:
-- between the two it stays what it is. There is at most one open for an organization, and one that comes back within ten
-- minutes is the same again.

create table rowhouse.alerts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  kind text not null default 'slow' constraint kind_is_known check (kind in ('slow')),
  -- The first of the minutes in which it was slow.
  began_at timestamptz not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  -- recovered: as quick as usual. quiet: too few statements to say. usual: what was slow has become what is usual.
  closed_because text constraint reason_is_known check (closed_because in ('recovered', 'quiet', 'usual')),
  -- Since when it has been as if it were over.
  calm_since timestamptz,
  -- The shape that took most of the time that was too much.
  fingerprint text not null,
  query text not null,
  query_p95_ms float8 not null,
  -- What was usual when it opened, what is now, and how many times as much; the most since it opened.
  baseline_ms float8 not null,
  p95_ms float8 not null,
  factor float8 not null,
  peak_factor float8 not null,
  -- Statements in the last minutes.
  calls bigint not null,
  -- How often it came back.
  reopened int not null default 0,
  updated_at timestamptz not null,
  constraint closed_says_why check ((closed_at is null) = (closed_because is null)),
  constraint closed_after_opened check (closed_at >= opened_at)
);
create unique index one_alert_is_open on rowhouse.alerts (organization_id, kind) where closed_at is null;
create index alerts_by_organization on rowhouse.alerts (organization_id, opened_at);
create index alerts_by_time on rowhouse.alerts (opened_at, id);
create index alerts_by_change on rowhouse.alerts (updated_at);

-- How far the minutes are looked at. Whoever holds the row does it; nobody waits for it.
create table rowhouse.measure_state (
  only_row boolean primary key default true constraint there_is_one_row check (only_row),
  judged_at timestamptz not null default '-infinity',
  -- Windows of ten minutes that begin before this are in the history.
  history_until timestamptz not null default '-infinity',
  pruned_at timestamptz not null default '-infinity'
);
insert into rowhouse.measure_state default values;

-- What is usual for an organization, for as long as no window of history is added: found out from a day of it, when it is asked
-- for. Of those only of which somebody asked, and who is slow is asked for every 15 seconds.
create table rowhouse.measure_baselines (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  -- As measure_state.history_until was.
  history_until timestamptz not null,
  usual_ms float8 not null
);

-- Puts windows of ten minutes that are over into the history. What a process could not carry for five minutes it lets go,
-- so six after its end nothing comes any more.
create function rowhouse.write_measure_history(at timestamptz) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  width constant interval := '10 minutes';
  late constant interval := '6 minutes';
  kept constant interval := '3 hours';
  next_start timestamptz;
begin
  select greatest(s.history_until, date_bin(width, at - kept, '2000-01-01')) into next_start from rowhouse.measure_state s;
  while next_start + width + late <= at loop
    insert into rowhouse.measure_history (organization_id, window_start, calls, errors, time_ms, rows, bytes, p50_ms, p95_ms)
    select t.organization_id, next_start, t.calls, t.errors, t.time_ms, t.rows, t.bytes,
      rowhouse.histogram_quantile(t.buckets, 0.5, t.max_ms), rowhouse.histogram_quantile(t.buckets, 0.95, t.max_ms)
    from (
      select m.organization_id, sum(m.calls)::bigint as calls, sum(m.errors)::bigint as errors, sum(m.time_ms) as time_ms,
        sum(m.rows)::bigint as rows, sum(m.bytes)::bigint as bytes, max(m.max_ms) as max_ms,
        -- One by one: unnest and group again took five times as long.
        array[
          sum(m.buckets[1]), sum(m.buckets[2]), sum(m.buckets[3]), sum(m.buckets[4]), sum(m.buckets[5]),
          sum(m.buckets[6]), sum(m.buckets[7]), sum(m.buckets[8]), sum(m.buckets[9]), sum(m.buckets[10]),
          sum(m.buckets[11]), sum(m.buckets[12]), sum(m.buckets[13]), sum(m.buckets[14]), sum(m.buckets[15]),
          sum(m.buckets[16]), sum(m.buckets[17]), sum(m.buckets[18]), sum(m.buckets[19]), sum(m.buckets[20]),
          sum(m.buckets[21]), sum(m.buckets[22]), sum(m.buckets[23]), sum(m.buckets[24]), sum(m.buckets[25]),
          sum(m.buckets[26]), sum(m.buckets[27]), sum(m.buckets[28]), sum(m.buckets[29]), sum(m.buckets[30]),
          sum(m.buckets[31]), sum(m.buckets[32]), sum(m.buckets[33]), sum(m.buckets[34]), sum(m.buckets[35]),
          sum(m.buckets[36]), sum(m.buckets[37]), sum(m.buckets[38]), sum(m.buckets[39]), sum(m.buckets[40])
        ]::bigint[] as buckets
      from rowhouse.organization_measures m
      where m.window_start >= next_start and m.window_start < next_start + width and not m.background
      group by m.organization_id
    ) t
    where t.calls > 0
    on conflict (organization_id, window_start) do nothing;
    next_start := next_start + width;
    update rowhouse.measure_state set history_until = next_start;
  end loop;
end
$$;

-- What nobody asks for any more: minutes after three hours, shapes of them with the last that used them, history after three
-- days, closed alerts after thirty.
create function rowhouse.prune_measures(at timestamptz) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from rowhouse.organization_measures m where m.window_start < at - interval '3 hours';
  delete from rowhouse.statement_measures m where m.window_start < at - interval '90 minutes';
  delete from rowhouse.statement_shapes s where s.seen_at < at - interval '3 hours';
  delete from rowhouse.measure_history h where h.window_start < at - interval '3 days';
  delete from rowhouse.measuring_processes p where p.seen_at < at - interval '1 day';
  delete from rowhouse.alerts a where a.closed_at < at - interval '30 days';
  update rowhouse.measure_state set pruned_at = at;
end
$$;

-- What is usual for an organization at a moment, or null where too little is known of it. The last quarter of an hour does
-- not count: what is being judged is not its own measure.
create function rowhouse.baseline_of(organization uuid, at timestamptz) returns float8
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  windows_min constant int := 12;
  calls_min constant int := 10;
  usual float8;
  windows int;
begin
  select percentile_cont(0.5) within group (order by h.p95_ms), count(*)
  into usual, windows
  from rowhouse.measure_history h
  where h.organization_id = organization and h.calls >= calls_min
    and h.window_start >= at - interval '24 hours' and h.window_start < at - interval '15 minutes';
  return case when windows >= windows_min then usual end;
end
$$;

-- Looks at the last minutes of every organization, opens and closes alerts, and keeps history and bounds. Returns the alerts
-- that opened or closed. Any number of processes may call it as often as they like: one does it, the others get nothing.
create function rowhouse.judge_measures(at timestamptz default clock_timestamp())
  returns table (alert_id uuid, organization_id uuid, change text, fingerprint text, factor float8)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  recent constant interval := '5 minutes';
  calls_min constant int := 20;
  slow_min constant int := 5;
  floor_ms constant float8 := 20;
  -- The first that reaches the floor: rowhouse.bucket_bound().
  floor_bucket constant int := ceil(1 + 2 * log(2, greatest(floor_ms, 0.125)::numeric / 0.125));
  opens_at constant float8 := 3;
  closes_at constant float8 := 1.5;
  calm_for constant interval := '2 minutes';
  quiet_for constant interval := '15 minutes';
  same_again constant interval := '10 minutes';
  state rowhouse.measure_state;
  seen record;
  held rowhouse.alerts;
  usual float8;
  limit_ms float8;
  worst record;
  reason text;
begin
  select * into state from rowhouse.measure_state s for update skip locked;
  if not found then
    return;
  end if;
  update rowhouse.measure_state set judged_at = at;
  perform rowhouse.write_measure_history(at);
  select * into state from rowhouse.measure_state;
  if state.pruned_at < at - interval '1 minute' then
    perform rowhouse.prune_measures(at);
  end if;

  for seen in
    with looked_at as materialized (
      -- Below the floor nothing is slow: of most organizations a maximum says so, and of most others that less than a twentieth
      -- of their statements was in buckets that reach it.
      select m.organization_id as id from rowhouse.organization_measures m
      where m.window_start > at - recent and not m.background
      group by m.organization_id
      having max(m.max_ms) >= floor_ms and sum(m.calls) >= calls_min
        and 20 * sum(
          case when m.max_ms > rowhouse.bucket_bound(floor_bucket - 1) then (select sum(b) from unnest(m.buckets[floor_bucket:]) b) end) >= sum(m.calls)
      union
      select a.organization_id from rowhouse.alerts a where a.closed_at is null
    ), counted as materialized (
      select o.id, coalesce(sum(m.calls), 0)::bigint as calls, coalesce(max(m.max_ms), 0) as max_ms,
        array[
          sum(m.buckets[1]), sum(m.buckets[2]), sum(m.buckets[3]), sum(m.buckets[4]), sum(m.buckets[5]),
          sum(m.buckets[6]), sum(m.buckets[7]), sum(m.buckets[8]), sum(m.buckets[9]), sum(m.buckets[10]),
          sum(m.buckets[11]), sum(m.buckets[12]), sum(m.buckets[13]), sum(m.buckets[14]), sum(m.buckets[15]),
          sum(m.buckets[16]), sum(m.buckets[17]), sum(m.buckets[18]), sum(m.buckets[19]), sum(m.buckets[20]),
          sum(m.buckets[21]), sum(m.buckets[22]), sum(m.buckets[23]), sum(m.buckets[24]), sum(m.buckets[25]),
          sum(m.buckets[26]), sum(m.buckets[27]), sum(m.buckets[28]), sum(m.buckets[29]), sum(m.buckets[30]),
          sum(m.buckets[31]), sum(m.buckets[32]), sum(m.buckets[33]), sum(m.buckets[34]), sum(m.buckets[35]),
          sum(m.buckets[36]), sum(m.buckets[37]), sum(m.buckets[38]), sum(m.buckets[39]), sum(m.buckets[40])
        ]::bigint[] as buckets
      from looked_at o
      left join rowhouse.organization_measures m
        on m.organization_id = o.id and m.window_start > at - recent and not m.background
      group by o.id
    )
    select c.id, c.calls, c.max_ms, c.buckets, coalesce(rowhouse.histogram_quantile(c.buckets, 0.95, c.max_ms), 0) as p95_ms, b.usual_ms
    from counted c
    left join rowhouse.measure_baselines b on b.organization_id = c.id and b.history_until = state.history_until
    order by c.id
  loop
    select * into held from rowhouse.alerts a where a.organization_id = seen.id and a.closed_at is null;
    continue when held.id is null and seen.p95_ms < floor_ms;
    usual := coalesce(seen.usual_ms, rowhouse.baseline_of(seen.id, at));
    if seen.usual_ms is null and usual is not null then
      insert into rowhouse.measure_baselines as b (organization_id, history_until, usual_ms)
      values (seen.id, state.history_until, usual)
      on conflict (organization_id) do update set history_until = excluded.history_until, usual_ms = excluded.usual_ms;
    end if;
    if held.id is null then
      -- Null without a baseline, and then nothing opens.
      limit_ms := case when usual is not null then greatest(floor_ms, opens_at * usual) end;
      continue when (seen.calls >= calls_min and seen.p95_ms >= limit_ms
        and rowhouse.calls_above(seen.buckets, limit_ms / 1.5) >= slow_min) is not true;
    else
      usual := coalesce(usual, held.baseline_ms);
      limit_ms := greatest(floor_ms * closes_at / opens_at, closes_at * usual);
    end if;

    -- What took most of the time that is too much: of what was slower than the limit, the sum over its shape.
    select m.fingerprint, coalesce(max(s.text), '(forgotten)') as text, rowhouse.histogram_quantile(array(
        select sum(h.count)::bigint
        from rowhouse.statement_measures q cross join lateral unnest(q.buckets) with ordinality h (count, n)
        where q.organization_id = seen.id and q.window_start > at - recent and not q.background and q.fingerprint = m.fingerprint
        group by h.n order by h.n
      ), 0.95, max(m.max_ms)) as p95_ms
    into worst
    from rowhouse.statement_measures m
    left join rowhouse.statement_shapes s on s.fingerprint = m.fingerprint
    cross join lateral unnest(m.buckets) with ordinality b (count, n)
    where m.organization_id = seen.id and m.window_start > at - recent and not m.background
    group by m.fingerprint
    order by sum(b.count * rowhouse.bucket_bound(b.n::int)) filter (where rowhouse.bucket_bound(b.n::int) > limit_ms) desc nulls last,
      sum(b.count * rowhouse.bucket_bound(b.n::int)) desc, m.fingerprint
    limit 1;

    if held.id is null then
      -- One that closed a moment ago is the same again: its beginning stays.
      update rowhouse.alerts a
      set closed_at = null, closed_because = null, calm_since = null, reopened = a.reopened + 1, p95_ms = seen.p95_ms,
        factor = seen.p95_ms / greatest(a.baseline_ms, 0.001), calls = seen.calls, updated_at = at,
        peak_factor = greatest(a.peak_factor, seen.p95_ms / greatest(a.baseline_ms, 0.001)),
        fingerprint = coalesce(worst.fingerprint, a.fingerprint), query = coalesce(worst.text, a.query),
        query_p95_ms = coalesce(worst.p95_ms, a.query_p95_ms)
      where a.id = (
        select l.id from rowhouse.alerts l where l.organization_id = seen.id and l.closed_at > at - same_again
        order by l.closed_at desc limit 1
      )
      returning * into held;
      if held.id is null then
        insert into rowhouse.alerts as a (
          organization_id, began_at, opened_at, fingerprint, query, query_p95_ms, baseline_ms, p95_ms, factor, peak_factor, calls, updated_at
        )
        -- Nobody is left without an alert because the shape is not known.
        select seen.id, coalesce(min(m.window_start), at), at, coalesce(worst.fingerprint, '0000000000000000'),
          coalesce(worst.text, '(forgotten)'), coalesce(worst.p95_ms, seen.p95_ms), usual, seen.p95_ms,
          seen.p95_ms / greatest(usual, 0.001), seen.p95_ms / greatest(usual, 0.001), seen.calls, at
        from rowhouse.organization_measures m
        where m.organization_id = seen.id and m.window_start > at - recent and not m.background
          and rowhouse.calls_above(m.buckets, limit_ms / 1.5) * 20 >= m.calls and m.max_ms >= limit_ms
        returning * into held;
      end if;
      return query select held.id, seen.id, 'opened', held.fingerprint, held.factor;
      continue;
    end if;

    if seen.calls >= calls_min and seen.p95_ms > limit_ms then
      update rowhouse.alerts a
      set calm_since = null, p95_ms = seen.p95_ms, factor = seen.p95_ms / greatest(a.baseline_ms, 0.001), calls = seen.calls,
        peak_factor = greatest(a.peak_factor, seen.p95_ms / greatest(a.baseline_ms, 0.001)),
        fingerprint = coalesce(worst.fingerprint, a.fingerprint), query = coalesce(worst.text, a.query),
        query_p95_ms = coalesce(worst.p95_ms, a.query_p95_ms), updated_at = at
      where a.id = held.id
        and (a.calm_since is not null or a.p95_ms is distinct from seen.p95_ms or a.calls <> seen.calls);
    elsif held.calm_since is null then
      update rowhouse.alerts a set calm_since = at where a.id = held.id;
    elsif held.calm_since <= at - (case when seen.calls >= calls_min then calm_for else quiet_for end) then
      reason := case
        when seen.calls < calls_min then 'quiet'
        when seen.p95_ms > closes_at * held.baseline_ms and seen.p95_ms > floor_ms * closes_at / opens_at then 'usual'
        else 'recovered'
      end;
      update rowhouse.alerts a
      set closed_at = at, closed_because = reason, calls = seen.calls, updated_at = at,
        p95_ms = case when seen.calls >= calls_min then seen.p95_ms else a.p95_ms end
      where a.id = held.id;
      return query select held.id, seen.id, 'closed', held.fingerprint, held.factor;
    end if;
  end loop;
end
$$;

alter table rowhouse.alerts enable row level security;
alter table rowhouse.measure_state enable row level security;
alter table rowhouse.measure_baselines enable row level security;
create policy control_keeps_it on rowhouse.alerts to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.measure_state to rowhouse_control using (true) with check (true);
revoke all on rowhouse.alerts, rowhouse.measure_state, rowhouse.measure_baselines from public;
grant select, delete on rowhouse.alerts to rowhouse_control;
grant select on rowhouse.measure_state to rowhouse_control;

revoke all on function
  rowhouse.write_measure_history(timestamptz), rowhouse.prune_measures(timestamptz), rowhouse.baseline_of(uuid, timestamptz),
  rowhouse.judge_measures(timestamptz)
  from public;
grant execute on function rowhouse.baseline_of(uuid, timestamptz), rowhouse.judge_measures(timestamptz) to rowhouse_control;
