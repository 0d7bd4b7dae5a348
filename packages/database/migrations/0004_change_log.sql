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
  action text not null constraint action_is_known check (action in ('insert', 'update', 'delete')),
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
    (old is null) = (action = 'insert') and (new is null) = (action = 'delete')
  )
);
create index change_log_by_transaction on rowhouse.change_log (organization_id, xid);
-- For changed_organizations(): what is new, over all organizations.
create index change_log_new on rowhouse.change_log (xid, organization_id);
create index change_log_by_record on rowhouse.change_log (organization_id, table_name, record_id, seq);

-- Arguments, from protect(): schema, table, key columns and masked columns (both as text arrays). A tenant's write
-- must carry a seal of the row's organization; a write by somebody who may bypass RLS is logged as 'migrator'.
-- Values are logged in one form whatever the session's settings, so that a rewind reads what was written.
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
  before_organization uuid;
  after_organization uuid;
  kind text;
  masked text[];
  column_name text;
begin
  if tg_op <> 'INSERT' then
    before := to_jsonb(old);
    before_organization := before ->> 'organization_id';
  end if;
  if tg_op <> 'DELETE' then
    after := to_jsonb(new);
    after_organization := after ->> 'organization_id';
  end if;
  if before = after then
    return null;
  end if;

  if actor is null then
    if not pg_has_role(session_user, 'rowhouse_migrator', 'MEMBER') then
      raise exception 'A write to %.% carries no seal.', tg_argv[0], tg_argv[1]
        using errcode = 'RH014', hint = 'Write through rowhouse.as(…); migrations use the login rowhouse_migrator.';
    end if;
    actor := jsonb_build_object('kind', 'migrator', 'user', session_user, 'origin', 'migrator');
  else
    if coalesce(before_organization, after_organization) is distinct from (actor ->> 'org')::uuid
      or coalesce(after_organization, before_organization) is distinct from (actor ->> 'org')::uuid
    then
      raise exception 'A row of another organization was written in %.%.', tg_argv[0], tg_argv[1]
        using errcode = 'RH015', hint = 'One transaction writes for one organization.';
    end if;
    kind := actor ->> 'kind';
    if kind = 'report' then
      raise exception 'A report may not write.' using errcode = 'RH012', hint = 'Write as a user or a service.';
    end if;
  end if;

  masked := tg_argv[3];
  foreach column_name in array masked loop
    before := before || jsonb_build_object(column_name, case when before -> column_name <> 'null' then '***' end);
    after := after || jsonb_build_object(column_name, case when after -> column_name <> 'null' then '***' end);
  end loop;

  -- The migrator may move a row: then it left one organization and came to another, and both logs say so.
  if before_organization <> after_organization then
    insert into rowhouse.change_log (
      organization_id, table_schema, table_name, record_id, action, old, actor_kind, actor_id, origin
    ) values (
      before_organization, tg_argv[0], tg_argv[1], rowhouse.record_id(before, tg_argv[2]::text[]), 'delete', before,
      actor ->> 'kind', actor ->> 'user', actor ->> 'origin'
    );
    before := null;
  end if;
  insert into rowhouse.change_log (
    organization_id, table_schema, table_name, record_id, action, old, new,
    actor_kind, actor_id, origin, reason, request_id, ip
  ) values (
    coalesce(after_organization, before_organization), tg_argv[0], tg_argv[1],
    rowhouse.record_id(coalesce(after, before), tg_argv[2]::text[]),
    case when before is null then 'insert' when after is null then 'delete' else 'update' end, before, after,
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
    return;
  end if;
  -- One statement, one snapshot: what it sees is visible to the snapshot it returns.
  return query
    select pg_current_snapshot(), array(
      select c.organization_id from rowhouse.change_log c where c.xid >= pg_snapshot_xmax(since)
      union
      select c.organization_id from rowhouse.change_log c where c.xid = any (array(select pg_snapshot_xip(since)))
    );
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
