-- The change log: every write to a protected table, with who made it. Triggers write it (0400_log_triggers.sql); audit
-- log, CRM delivery, moves and rewinds read it. Nobody but they inserts, nobody updates or deletes.

create table rowhouse.change_log (
  organization_id uuid not null,
  -- Assigned after the row lock is held, so per record it is commit order. Not a cursor: a slow commit
  -- appears behind a higher number. See queries/read-changes.sql.
  seq bigint generated always as identity,
  -- The top transaction, for reading from snapshot to snapshot.
  xid xid8 not null default pg_current_xact_id(),
  -- When the line was written, by the clock, not by the start of its transaction: so no transaction can write into a
  -- month that is over.
  at timestamptz not null default clock_timestamp(),
  -- Collated as bytes: comparing names by a language's rules tripled what an index on them cost.
  table_schema text collate "C" not null,
  table_name text collate "C" not null,
  record_id text collate "C" not null,
  -- record_hash(record_id), for the index: 8 bytes instead of 37 for a uuid.
  record_hash bigint not null,
  action text collate "C" not null,
  -- json, not jsonb: a number keeps its digits and -0 its sign, a json column its order, repeated keys and \u0000.
  old json,
  new json,
  -- The few values whose JSON does not lead back to them, as text by column name: jsonb 'null', arrays that do not begin
  -- at 1, types with a cast to json of their own.
  old_exact json,
  new_exact json,
  actor_kind text not null,
  actor_id text,
  origin text not null,
  reason text,
  request_id text,
  ip text,
  -- One line of each statement stands for all of them in the index of what is new. Not sealed: it says nothing of what happened.
  is_first boolean not null default true,
  primary key (organization_id, seq, at),
  -- One condition and no lists: Postgres reads it anew in each statement, and two with lists took it 15 µs where this takes 11.
  constraint action_fits_old_and_new check (
    case
      when old is null then action = 'insert' and new is not null
      when new is null then action = 'delete' or action = 'truncate'
      else action = 'update'
    end or action = 'read'
  )
) partition by range (at);
create index change_log_by_transaction on rowhouse.change_log (organization_id, xid, seq);
-- For changed_organizations() and sync_tick(): what is new, over all organizations. One line a statement, so that a write of
-- many rows keeps one entry of it and each poll after it reads one.
create index change_log_new on rowhouse.change_log (xid, organization_id) where is_first;
create index change_log_by_record on rowhouse.change_log (record_hash, organization_id);

-- What the index on records is of. A reader asks for `record_hash = rowhouse.record_hash($1) and record_id = $1`.
create function rowhouse.record_hash(record_id text) returns bigint
  language sql immutable strict parallel safe
  return pg_catalog.hashtextextended(record_id collate "C", 0);

-- Lines of months that have no partition yet, because nobody made one in time: a write never fails for that.
create table rowhouse.change_log_rest partition of rowhouse.change_log default;

-- The months. `ended_xid` is set once a month is over for good: every transaction that wrote into it is older.
create table rowhouse.change_log_partitions (
  name text primary key,
  starts_at timestamptz not null constraint month_is_named_once unique,
  ends_at timestamptz not null,
  ended_xid xid8,
  -- When retention had left nothing in it; the month stays here, so that months still follow one another.
  dropped_at timestamptz,
  constraint starts_before_it_ends check (starts_at < ends_at)
);

-- The moment from which on the log may hold a change that `since` did not see: the end of the months, one after the
-- other from the first, that were over for good by then. Readers add `at >= (select rowhouse.changes_from(…))` and look
-- into the partitions that count only. A month without a partition of its own ends the row: its lines are in the rest.
create function rowhouse.changes_from(since pg_snapshot) returns timestamptz
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  month record;
  seen_until timestamptz := '-infinity';
begin
  if since is null then
    return seen_until;
  end if;
  for month in
    select p.starts_at, p.ends_at, p.ended_xid from rowhouse.change_log_partitions p order by p.starts_at
  loop
    exit when (month.ended_xid <= pg_snapshot_xmin(since)) is not true
      or (isfinite(seen_until) and seen_until <> month.starts_at);
    seen_until := month.ends_at;
  end loop;
  return seen_until;
end
$$;

-- Which organizations have changes that this moment's snapshot sees and `since` did not, and that snapshot.
-- With since = null every organization is named. No payload: the reader enters each one and reads as it does.
create function rowhouse.changed_organizations(since pg_snapshot)
  returns table (snapshot pg_snapshot, organization_ids uuid[])
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  seen_until timestamptz;
begin
  if since is null then
    return query select pg_current_snapshot(), array(select o.id from rowhouse.organizations o);
  elsif since::text = pg_current_snapshot()::text then
    -- Nobody has written anything, nor ended a write: the answer of an idle poll.
    return query select since, '{}'::uuid[];
  else
    seen_until := rowhouse.changes_from(since);
    -- Under one snapshot, that of the calling statement: what this sees is visible to what it returns.
    -- array_agg(distinct), because UNION sets up a hash table for a guessed number of rows: 450 µs for none.
    return query
      select pg_current_snapshot(), coalesce(array_agg(distinct c.organization_id), '{}')
      from (
        select l.organization_id from rowhouse.change_log l
        where l.is_first and l.xid >= pg_snapshot_xmax(since) and l.at >= seen_until
        union all
        select l.organization_id from rowhouse.change_log l
        where l.is_first and l.xid = any (array(select pg_snapshot_xip(since))) and l.at >= seen_until
      ) c;
  end if;
end
$$;

-- What people read: who did what, when.
create view rowhouse.audit_log with (security_invoker = true, security_barrier = true) as
select
  c.organization_id as organization,
  c.actor_kind,
  c.actor_id as actor,
  c.action,
  c.table_schema,
  c.table_name as "table",
  c.record_id as record,
  c.old,
  c.new,
  c.reason,
  c.request_id,
  c.ip,
  c.at,
  c.seq
from rowhouse.change_log c;
