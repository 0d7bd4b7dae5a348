-- What organizations' statements cost, as the processes that run them count it: calls, errors, time, rows and bytes, in
-- windows of a minute, by organization and by shape of the statement. A shape is the text without literals and comments; no
-- value is in it, and none comes here. Only the catalogue's rows count; a data database has the tables as well, and empty.
--
-- Histograms have 40 fixed buckets, each the square root of two wider than the one before, from an eighth of a millisecond
-- to a minute (packages/runtime/src/measures/histogram.ts), so that those of several processes add up.
--
-- What nobody in the organization waits for is in the background: sync, reports across organizations, the control plane. It
-- loads the database as well, and is no measure of how quick the organization's application is.

-- Of one organization over all its statements.
create table rowhouse.organization_measures (
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  window_start timestamptz not null,
  background boolean not null,
  calls bigint not null,
  errors bigint not null,
  time_ms float8 not null,
  rows bigint not null,
  bytes bigint not null,
  max_ms float8 not null,
  buckets bigint[] not null constraint there_are_forty_buckets check (cardinality(buckets) = 40),
  primary key (organization_id, window_start, background)
) with (fillfactor = 70);
create index organization_measures_by_time on rowhouse.organization_measures (window_start);

-- Of one shape.
create table rowhouse.statement_measures (
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  window_start timestamptz not null,
  background boolean not null,
  fingerprint text not null constraint fingerprint_is_sixteen_hex_digits check (fingerprint ~ '^[0-9a-f]{16}$'),
  calls bigint not null,
  errors bigint not null,
  time_ms float8 not null,
  rows bigint not null,
  bytes bigint not null,
  max_ms float8 not null,
  buckets bigint[] not null constraint there_are_forty_buckets check (cardinality(buckets) = 40),
  primary key (organization_id, window_start, background, fingerprint)
) with (fillfactor = 70);
create index statement_measures_by_time on rowhouse.statement_measures (window_start);

-- What a fingerprint stands for, the same for all organizations.
create table rowhouse.statement_shapes (
  fingerprint text primary key constraint fingerprint_is_sixteen_hex_digits check (fingerprint ~ '^[0-9a-f]{16}$'),
  text text not null constraint shape_is_short check (length(text) <= 500),
  -- Within an hour.
  seen_at timestamptz not null default now()
);

-- What became of the minutes, in windows of ten, without what is in the background: what an organization's baseline is made
-- from.
create table rowhouse.measure_history (
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  window_start timestamptz not null,
  calls bigint not null,
  errors bigint not null,
  time_ms float8 not null,
  rows bigint not null,
  bytes bigint not null,
  p50_ms float8 not null,
  p95_ms float8 not null,
  primary key (organization_id, window_start)
);
create index measure_history_by_time on rowhouse.measure_history (window_start);

-- Processes that count, and the last batch of each: one that is sent again is counted once.
create table rowhouse.measuring_processes (
  id uuid primary key,
  sequence bigint not null,
  seen_at timestamptz not null default now()
);

-- The process that a runtime's token names: who appends does so as itself. Nothing but the application can make such a
-- token, so a tenant's SQL cannot append, whatever it calls.
create function rowhouse.token_process(token text) returns uuid
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  claims jsonb;
begin
  perform rowhouse.refuse_home_login();
  perform rowhouse.check_token(token);
  claims := substr(left(token, -65), 136)::jsonb;
  if rowhouse.token_organization(token) is not null or substr(token, 85, 1) <> 's'
    or (claims ->> 'service') is distinct from 'rowhouse runtime'
    or ((claims ->> 'request') ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') is not true
  then
    raise exception 'The token is not one of a runtime that counts.' using errcode = 'RH002';
  end if;
  return (claims ->> 'request')::uuid;
end
$$;

-- Appends what a process counted, and says whether it had not been: a batch has a number, and each is counted once. Its
-- window is the minute in which it began, on the database's clock. Organizations that are gone are left out.
--   {"sequence": 7, "ageMs": 15000, "shapes": {"<fingerprint>": "<text>"},
--    "cells": [{"o": organization, "k": in the background, "f": fingerprint, "c": calls, "e": errors, "t": ms, "r": rows, "b": bytes, "m": longest ms, "h": [40 counts]}]}
create function rowhouse.record_measures(token text, batch jsonb) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  process uuid := rowhouse.token_process(token);
  cells_max constant int := 10000;
  age_max_ms constant float8 := 3600000;
  age_ms float8 := least(greatest((batch ->> 'ageMs')::float8, 0), age_max_ms);
  begun timestamptz := date_trunc('minute', clock_timestamp() - age_ms * interval '1 millisecond');
begin
  if jsonb_array_length(batch -> 'cells') > cells_max then
    raise exception 'A batch has at most % lines.', cells_max using errcode = '54000';
  end if;
  insert into rowhouse.measuring_processes as p (id, sequence) values (process, (batch ->> 'sequence')::bigint)
  on conflict (id) do update set sequence = excluded.sequence, seen_at = now() where p.sequence < excluded.sequence;
  if not found then
    return false;
  end if;

  insert into rowhouse.statement_shapes as s (fingerprint, text)
  select k.key, k.value from jsonb_each_text(batch -> 'shapes') k order by k.key
  on conflict (fingerprint) do update set seen_at = now() where s.seen_at < now() - interval '1 hour';

  -- In one order, so that two processes do not wait for each other.
  insert into rowhouse.statement_measures as m
    (organization_id, window_start, background, fingerprint, calls, errors, time_ms, rows, bytes, max_ms, buckets)
  select c.o, begun, c.k, c.f, c.c, c.e, c.t, c.r, c.b, c.m, c.h
  from jsonb_to_recordset(batch -> 'cells')
    as c (o uuid, k boolean, f text, c bigint, e bigint, t float8, r bigint, b bigint, m float8, h bigint[])
  join rowhouse.organizations o on o.id = c.o
  order by c.o, c.k, c.f
  on conflict (organization_id, window_start, background, fingerprint) do update set
    calls = m.calls + excluded.calls, errors = m.errors + excluded.errors, time_ms = m.time_ms + excluded.time_ms,
    rows = m.rows + excluded.rows, bytes = m.bytes + excluded.bytes, max_ms = greatest(m.max_ms, excluded.max_ms),
    buckets = array(select b.x + b.y from unnest(m.buckets, excluded.buckets) with ordinality b (x, y, n) order by b.n);

  insert into rowhouse.organization_measures as m
    (organization_id, window_start, background, calls, errors, time_ms, rows, bytes, max_ms, buckets)
  select t.o, begun, t.k, t.calls, t.errors, t.time_ms, t.rows, t.bytes, t.max_ms, t.buckets
  from (
    select c.o, c.k, sum(c.c)::bigint as calls, sum(c.e)::bigint as errors, sum(c.t) as time_ms, sum(c.r)::bigint as rows,
      sum(c.b)::bigint as bytes, max(c.m) as max_ms,
      array[
        sum(c.h[1]), sum(c.h[2]), sum(c.h[3]), sum(c.h[4]), sum(c.h[5]),
        sum(c.h[6]), sum(c.h[7]), sum(c.h[8]), sum(c.h[9]), sum(c.h[10]),
        sum(c.h[11]), sum(c.h[12]), sum(c.h[13]), sum(c.h[14]), sum(c.h[15]),
        sum(c.h[16]), sum(c.h[17]), sum(c.h[18]), sum(c.h[19]), sum(c.h[20]),
        sum(c.h[21]), sum(c.h[22]), sum(c.h[23]), sum(c.h[24]), sum(c.h[25]),
        sum(c.h[26]), sum(c.h[27]), sum(c.h[28]), sum(c.h[29]), sum(c.h[30]),
        sum(c.h[31]), sum(c.h[32]), sum(c.h[33]), sum(c.h[34]), sum(c.h[35]),
        sum(c.h[36]), sum(c.h[37]), sum(c.h[38]), sum(c.h[39]), sum(c.h[40])
      ]::bigint[] as buckets
    from jsonb_to_recordset(batch -> 'cells')
      as c (o uuid, k boolean, c bigint, e bigint, t float8, r bigint, b bigint, m float8, h bigint[])
    group by c.o, c.k
  ) t
  join rowhouse.organizations o on o.id = t.o
  order by t.o, t.k
  on conflict (organization_id, window_start, background) do update set
    calls = m.calls + excluded.calls, errors = m.errors + excluded.errors, time_ms = m.time_ms + excluded.time_ms,
    rows = m.rows + excluded.rows, bytes = m.bytes + excluded.bytes, max_ms = greatest(m.max_ms, excluded.max_ms),
    buckets = array(select b.x + b.y from unnest(m.buckets, excluded.buckets) with ordinality b (x, y, n) order by b.n);
  return true;
end
$$;

-- Where a bucket ends, in milliseconds; the last one does not, and is taken as what it begins with.
create function rowhouse.bucket_bound(bucket int) returns float8
  language sql immutable strict parallel safe
  return 0.125 * 2 ^ ((least(bucket, 39) - 1) / 2.0);

-- The duration that a share of those in a histogram did not exceed, in milliseconds; null where it is empty. Between the
-- bounds of its bucket by interpolation, and never above the longest that was seen.
create function rowhouse.histogram_quantile(buckets bigint[], share float8, max_ms float8) returns float8
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  total bigint := 0;
  rank float8;
  seen bigint := 0;
  low float8;
begin
  for bucket in 1 .. cardinality(buckets) loop
    total := total + buckets[bucket];
  end loop;
  rank := share * total;
  for bucket in 1 .. cardinality(buckets) loop
    if buckets[bucket] > 0 and seen + buckets[bucket] >= rank then
      low := case bucket when 1 then 0 else rowhouse.bucket_bound(bucket - 1) end;
      return least(max_ms, low + (rowhouse.bucket_bound(bucket) - low) * (rank - seen) / buckets[bucket]);
    end if;
    seen := seen + buckets[bucket];
  end loop;
  return null;
end
$$;

-- How many in a histogram took longer than a threshold: those of the buckets that begin at or above it.
create function rowhouse.calls_above(buckets bigint[], threshold_ms float8) returns bigint
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  above bigint := 0;
begin
  for bucket in 2 .. cardinality(buckets) loop
    if rowhouse.bucket_bound(bucket - 1) >= threshold_ms then
      above := above + buckets[bucket];
    end if;
  end loop;
  return above;
end
$$;

alter table rowhouse.organization_measures enable row level security;
alter table rowhouse.statement_measures enable row level security;
alter table rowhouse.statement_shapes enable row level security;
alter table rowhouse.measure_history enable row level security;
alter table rowhouse.measuring_processes enable row level security;
create policy control_keeps_it on rowhouse.organization_measures to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.statement_measures to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.statement_shapes to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.measure_history to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.measuring_processes to rowhouse_control using (true) with check (true);
revoke all on rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.statement_shapes, rowhouse.measure_history,
  rowhouse.measuring_processes
  from public;
grant select, delete on rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.statement_shapes,
  rowhouse.measure_history, rowhouse.measuring_processes
  to rowhouse_control;

revoke all on function
  rowhouse.token_process(text), rowhouse.record_measures(text, jsonb), rowhouse.bucket_bound(int),
  rowhouse.histogram_quantile(bigint[], float8, float8), rowhouse.calls_above(bigint[], float8)
  from public;
grant execute on function rowhouse.record_measures(text, jsonb) to rowhouse_app;
grant execute on function
  rowhouse.bucket_bound(int), rowhouse.histogram_quantile(bigint[], float8, float8), rowhouse.calls_above(bigint[], float8)
  to rowhouse_control;
