-- What the sync engine keeps in an organization's own home: it moves with the organization, and the same
-- seal keeps it apart. Members who may see the connection may read it; only the sync engine and operators write it. These
-- tables are not in the change log: they say what happened to changes that are.

create schema rowhouse_home;
grant usage on schema rowhouse_home to rowhouse_app, rowhouse_migrator;

-- A row here ↔ a record there, and what both last agreed on.
create table rowhouse_home.sync_links (
  organization_id uuid not null default rowhouse.organization_id(),
  id bigint generated always as identity,
  connection_id uuid not null,
  object text not null,
  local_id text,
  remote_id text,
  state text not null constraint link_state_is_known check (state in ('creating', 'linked', 'tombstoned')),
  create_token text,
  base jsonb not null default '{}',
  mapping_version int not null default 1,
  seen text,
  written text,
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  constraint a_linked_pair_has_both_sides check (state <> 'linked' or (local_id is not null and remote_id is not null))
);
create unique index a_remote_record_has_one_link
  on rowhouse_home.sync_links (organization_id, connection_id, object, remote_id) where remote_id is not null;
create unique index a_row_has_one_link
  on rowhouse_home.sync_links (organization_id, connection_id, object, local_id)
  where local_id is not null;
create unique index a_create_token_has_one_link
  on rowhouse_home.sync_links (organization_id, connection_id, create_token) where create_token is not null;

-- Positions: `outbound` in the change log; `poll`, `backfill`, `deleted` and `events` at the CRM. `resync` counts how
-- often an object was to be read anew, and how many of those the last walk to begin answers.
create table rowhouse_home.sync_cursors (
  organization_id uuid not null default rowhouse.organization_id(),
  connection_id uuid not null,
  kind text not null constraint cursor_kind_is_known
    check (kind in ('outbound', 'poll', 'backfill', 'deleted', 'events', 'resync')),
  object text not null,
  snapshot pg_snapshot,
  position jsonb,
  done boolean not null default false,
  records int not null default 0,
  updated_at timestamptz not null default now(),
  primary key (organization_id, connection_id, kind, object)
);

-- Records that are due. The one queue of each direction: the change log, webhooks, merges, replays and
-- parents that were linked all end here. record_id is the row's id outbound, the record's id inbound.
create table rowhouse_home.sync_marks (
  organization_id uuid not null default rowhouse.organization_id(),
  connection_id uuid not null,
  direction text not null constraint direction_is_known check (direction in ('outbound', 'inbound')),
  object text not null,
  record_id text not null,
  -- Grows with every new reason; a mark is done only if nothing came in between.
  generation bigint not null default 1,
  deleted boolean not null default false,
  -- Of the change log: what this covers once it has arrived.
  through_seq bigint not null default 0,
  since timestamptz not null default clock_timestamp(),
  changed_at timestamptz,
  due_at timestamptz not null default '-infinity',
  attempts int not null default 0,
  -- 'object:remote id' or 'object:local id' of the parent whose link it waits for.
  waits_for text,
  primary key (organization_id, connection_id, direction, object, record_id)
);
create index sync_marks_due on rowhouse_home.sync_marks (organization_id, connection_id, direction, due_at);
-- What is due now, in the order in which it is read: of a million marks the first thousand are the first thousand entries.
create index sync_marks_in_order
  on rowhouse_home.sync_marks (organization_id, connection_id, direction, object, since, record_id)
  where due_at = '-infinity';
create index sync_marks_waiting
  on rowhouse_home.sync_marks (organization_id, connection_id, waits_for) where waits_for is not null;

-- Committed before each call, settled after it.
create table rowhouse_home.sync_deliveries (
  organization_id uuid not null default rowhouse.organization_id(),
  id bigint generated always as identity,
  connection_id uuid not null,
  object text not null,
  table_name text not null,
  record_id text not null,
  remote_id text,
  kind text not null constraint delivery_kind_is_known check (kind in ('create', 'update', 'delete')),
  -- `superseded`: it never arrived, and a later one carries its values.
  status text not null default 'pending'
    constraint delivery_status_is_known check (status in ('pending', 'delivered', 'parked', 'superseded')),
  through_seq bigint not null default 0,
  fields jsonb not null,
  prior_version text,
  -- An update without a condition, where the CRM keeps a history: what it wrote over has not been looked at.
  unexamined boolean not null default false,
  epoch bigint not null,
  at timestamptz not null,
  sent_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  latency_ms int,
  primary key (organization_id, id)
);
create index sync_deliveries_of_a_record
  on rowhouse_home.sync_deliveries (organization_id, table_name, record_id, through_seq);
create unique index a_record_has_one_pending_delivery
  on rowhouse_home.sync_deliveries (organization_id, connection_id, object, record_id) where status = 'pending';
create index sync_deliveries_by_age on rowhouse_home.sync_deliveries (organization_id, connection_id, id);
create index sync_deliveries_unexamined
  on rowhouse_home.sync_deliveries (organization_id, connection_id, object, id) where unexamined;

-- Every value that was overwritten and had not been agreed on.
create table rowhouse_home.sync_conflicts (
  organization_id uuid not null default rowhouse.organization_id(),
  id bigint generated always as identity,
  connection_id uuid not null,
  object text not null,
  record_id text,
  remote_id text,
  field text not null,
  base text,
  local text,
  remote text,
  winner text constraint winner_is_a_side check (winner in ('local', 'remote')),
  at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
create unique index an_open_conflict_is_said_once
  on rowhouse_home.sync_conflicts (organization_id, connection_id, object, remote_id, field) where winner is null;

-- What could not be done, and why.
create table rowhouse_home.sync_dead_letters (
  organization_id uuid not null default rowhouse.organization_id(),
  id bigint generated always as identity,
  connection_id uuid not null,
  object text not null,
  direction text not null constraint direction_is_known check (direction in ('outbound', 'inbound')),
  -- The row's id outbound, the record's id inbound.
  record_key text not null,
  record_id text,
  remote_id text,
  code text not null,
  reason text not null,
  attempts int not null default 1,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  -- When it is tried again by itself; null: when somebody replays it, or the record changes.
  retry_at timestamptz,
  primary key (organization_id, id),
  constraint a_record_is_parked_once unique (organization_id, connection_id, direction, object, record_key)
);

-- The epoch of whoever may write for a lane now; every transaction of a unit checks it.
create table rowhouse_home.sync_fences (
  organization_id uuid not null default rowhouse.organization_id(),
  connection_id uuid not null,
  lane text not null,
  epoch bigint not null,
  primary key (organization_id, connection_id, lane)
);

do $$
declare
  name text;
begin
  foreach name in array array[
    'sync_links', 'sync_cursors', 'sync_marks', 'sync_deliveries', 'sync_conflicts', 'sync_dead_letters', 'sync_fences'
  ] loop
    execute format('alter table rowhouse_home.%I enable row level security', name);
    execute format('alter table rowhouse_home.%I force row level security', name);
    -- As rowhouse.protect() makes it, so that findings() proves it by name and text.
    execute format(
      'create policy rowhouse_organization on rowhouse_home.%I as restrictive for all to public
         using (
           organization_id = (select rowhouse.organization_id())
           and organization_id operator(rowhouse.===) (select rowhouse.organization_id())
         )
         with check (organization_id = (select rowhouse.organization_id()))', name);
    execute format(
      'create policy read on rowhouse_home.%I for select to public using (
         (select rowhouse.can(''connections.read'')) or rowhouse.can(''connections.read:'' || connection_id)
       )', name);
    execute format(
      'create policy write on rowhouse_home.%I for all to public
         using ((select rowhouse.actor_kind()) in (''sync'', ''operator''))
         with check ((select rowhouse.actor_kind()) in (''sync'', ''operator''))', name);
    execute format('grant select, insert, update, delete on rowhouse_home.%I to rowhouse_app', name);
  end loop;
end
$$;
