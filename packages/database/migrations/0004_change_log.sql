-- The change log: every write to a protected table, with who made it. One trigger function writes it; audit log,
-- CRM delivery, moves and rewinds read it. Nobody but the trigger inserts, nobody updates.

create table rowhouse.change_log (
  organization_id uuid not null,
  -- Assigned after the row lock is held, so per record it is commit order. Not a cursor: a slow commit
  -- appears behind a higher number. See queries/read-changes.sql.
  seq bigint generated always as identity,
  -- The top transaction, for reading from snapshot to snapshot.
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp(),
  table_schema text not null,
  table_name text not null,
  record_id text not null,
  -- 'read' is a report's: what it asked for, in new.
  action text not null constraint action_is_known check (action in ('insert', 'update', 'delete', 'read')),
  old jsonb,
  new jsonb,
  actor_kind text not null,
  actor_id text,
  origin text not null,
  reason text,
  request_id text,
  ip text,
  primary key (organization_id, seq),
  constraint insert_has_new_delete_has_old check (
    (old is null) = (action in ('insert', 'read')) and (new is null) = (action = 'delete')
  )
);
create index change_log_by_transaction on rowhouse.change_log (organization_id, xid, seq);
-- For changed_organizations(): what is new, over all organizations.
create index change_log_new on rowhouse.change_log (xid, organization_id);
create index change_log_by_record on rowhouse.change_log (organization_id, table_name, record_id, seq);

-- Arguments, from protect(): schema, table, key column, masked columns and, when the key has several columns, all of
-- them. A tenant's write must carry a seal of the row's organization; a write by somebody who may bypass RLS is
-- logged as 'migrator'. Values are logged in one form whatever the session's settings, so that a rewind reads what
-- was written; the five SET clauses cost nothing measurable beside the insert.
--
-- Row-level, and named so that it is the first AFTER ROW trigger of its table: a user's trigger that writes the same
-- row again would otherwise be logged before the write that fired it, and the last line of a record would not be its
-- last state. Statement triggers always come after row triggers, so they cannot hold that order; they also logged 0 rows
-- for a write to a partition. They are 3 times as fast in bulk: docs/adr/0006-the-change-log-trigger-is-row-level.md.
-- Measured per row in an insert of 10,000: 8 µs without trigger, 26 µs with a bare insert into this table, 53 µs with
-- all of this, 18 µs with a statement trigger.
create function rowhouse.log_change() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set datestyle = 'ISO, YMD'
  set intervalstyle = 'iso_8601'
  set timezone = 'UTC'
  set extra_float_digits = '1'
as $$
declare
  actor jsonb := rowhouse.seal_payload();
  before jsonb;
  after jsonb;
  organization uuid;
  before_organization uuid;
  action text := 'insert';
  record_id text;
  masked text;
  placement_state text;
  organization_status text;
begin
  if tg_op = 'INSERT' then
    after := to_jsonb(new);
    organization := after ->> 'organization_id';
    before_organization := organization;
  elsif tg_op = 'DELETE' then
    action := 'delete';
    before := to_jsonb(old);
    organization := before ->> 'organization_id';
    before_organization := organization;
  else
    action := 'update';
    before := to_jsonb(old);
    after := to_jsonb(new);
    if before = after then
      return null;
    end if;
    organization := after ->> 'organization_id';
    before_organization := before ->> 'organization_id';
  end if;

  if actor is null then
    if not pg_has_role(session_user, 'rowhouse_migrator', 'MEMBER') then
      raise exception 'A write to %.% carries no seal.', tg_argv[0], tg_argv[1]
        using errcode = 'RH014', hint = 'Write through rowhouse.as(…); migrations use the login rowhouse_migrator.';
    end if;
    actor := jsonb_build_object('kind', 'migrator', 'user', session_user, 'origin', 'migrator');
  else
    if (organization = (actor ->> 'org')::uuid and before_organization = organization) is not true then
      raise exception 'A row of another organization was written in %.%.', tg_argv[0], tg_argv[1]
        using errcode = 'RH015', hint = 'One transaction writes for one organization.';
    end if;
    if actor ->> 'kind' = 'report' then
      raise exception 'A report may not write.' using errcode = 'RH012', hint = 'Write as a user or a service.';
    end if;
    -- Held already, unless the seal was set again after ROLLBACK TO a savepoint from before enter(), or in a second
    -- transaction of one simple message. Then the organization may have moved or been suspended, so its placement and status
    -- are asked for after the lock. 'moving' passes: the mover waits for this transaction.
    if not pg_try_advisory_xact_lock_shared(rowhouse.lock_key(organization)) then
      raise exception 'Organization % is being moved or suspended.', organization
        using errcode = 'RH010', hint = 'Try again in a moment.';
    end if;
    select p.state, o.status into placement_state, organization_status
    from rowhouse.placements p join rowhouse.organizations o on o.id = p.organization_id
    where p.organization_id = organization;
    if (placement_state in ('active', 'moving')) is not true then
      raise exception 'Organization % does not live here.', organization
        using errcode = 'RH009', hint = 'Look up its placement again.';
    end if;
    if organization_status <> 'active' and actor ->> 'kind' <> 'operator' then
      raise exception 'Organization % is suspended.', organization
        using errcode = 'RH008', hint = 'An operator can resume it.';
    end if;
  end if;

  if tg_nargs = 5 then
    record_id := rowhouse.record_id(coalesce(after, before), tg_argv[4]::text[]);
  else
    record_id := coalesce(after, before) ->> tg_argv[2];
  end if;
  if tg_argv[3] <> '{}' then
    foreach masked in array tg_argv[3]::text[] loop
      before := before || jsonb_build_object(masked, case when before -> masked <> 'null' then '***' end);
      after := after || jsonb_build_object(masked, case when after -> masked <> 'null' then '***' end);
    end loop;
  end if;

  -- The migrator may move a row: then it left one organization and came to another, and both logs say so.
  if before_organization <> organization then
    insert into rowhouse.change_log (
      organization_id, table_schema, table_name, record_id, action, old, actor_kind, actor_id, origin
    ) values (
      before_organization, tg_argv[0], tg_argv[1], record_id, 'delete', before,
      actor ->> 'kind', actor ->> 'user', actor ->> 'origin'
    );
    action := 'insert';
    before := null;
  end if;
  insert into rowhouse.change_log (
    organization_id, table_schema, table_name, record_id, action, old, new,
    actor_kind, actor_id, origin, reason, request_id, ip
  ) values (
    organization, tg_argv[0], tg_argv[1], record_id, action, before, after,
    actor ->> 'kind', coalesce(actor ->> 'user', actor ->> 'service', actor ->> 'connection'),
    coalesce(actor ->> 'origin', 'app'), actor ->> 'reason', actor ->> 'request', actor ->> 'ip'
  );
  return null;
end
$$;

-- The key of a row without its organization: the value of one column, or a JSON array of several.
create function rowhouse.record_id(record jsonb, key_columns text[]) returns text
  language sql immutable
  return case
    when cardinality(key_columns) = 1 then record ->> key_columns[1]
    else (select jsonb_agg(record -> k order by position) from unnest(key_columns) with ordinality as c (k, position))::text
  end;

-- TRUNCATE tells a row trigger nothing, so the log would miss it.
create function rowhouse.refuse_truncate() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'TRUNCATE of the protected table % would leave no trace in the change log.', tg_relid::regclass
    using errcode = 'RH016', hint = 'Use DELETE.';
end
$$;

-- Which organizations have changes that this moment's snapshot sees and `since` did not, and that snapshot.
-- With since = null every organization is named. No payload: the reader enters each one and reads as it does.
create function rowhouse.changed_organizations(since pg_snapshot)
  returns table (snapshot pg_snapshot, organization_ids uuid[])
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if since is null then
    return query select pg_current_snapshot(), array(select o.id from rowhouse.organizations o);
  elsif since::text = pg_current_snapshot()::text then
    -- Nobody has written anything, nor ended a write: the answer of an idle poll.
    return query select since, '{}'::uuid[];
  else
    -- Under one snapshot, that of the calling statement: what this sees is visible to what it returns.
    -- array_agg(distinct), because UNION sets up a hash table for a guessed number of rows: 450 µs for none.
    return query
      select pg_current_snapshot(), coalesce(array_agg(distinct c.organization_id), '{}')
      from (
        select l.organization_id from rowhouse.change_log l where l.xid >= pg_snapshot_xmax(since)
        union all
        select l.organization_id from rowhouse.change_log l where l.xid = any (array(select pg_snapshot_xip(since)))
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
