-- Where organizations can live. A cluster is a Postgres server; a home is one place on it: a database that organizations
-- share, a schema, or a database of one organization. A plan says which it wants, a placement where an organization is.
-- Only the catalogue's rows count; a data database has the tables as well, with copies (0802_catalogue_copies.sql).

create table rowhouse.clusters (
  id text primary key constraint cluster_id_is_a_slug check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  region text not null default 'default' constraint region_is_a_slug check (region ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  -- What makes databases there; packages/fleet knows them by name.
  driver text not null default 'postgres' constraint driver_is_a_slug check (driver ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  -- Null: the server that the catalogue is on, reached by the catalogue's URL.
  host text,
  port int not null default 5432 constraint port_is_a_port check (port between 1 and 65535),
  -- verify-full: encrypted, and the certificate is valid and names the host. off: only where no wire leaves the machine.
  tls text not null default 'verify-full' constraint tls_is_known check (tls in ('verify-full', 'off')),
  -- PEM of a certificate authority of one's own; null: those that Node trusts. Not a secret.
  tls_ca text,
  models text[] not null default '{shared,schema,database}'
    constraint models_are_isolation_models check (
      models <@ '{shared,schema,database}' and cardinality(models) > 0 and array_position(models, null) is null
    ),
  -- Most of each that the cluster takes; null: no bound.
  organizations_max int constraint organizations_max_is_positive check (organizations_max > 0),
  schemas_max int constraint schemas_max_is_positive check (schemas_max > 0),
  databases_max int constraint databases_max_is_positive check (databases_max > 0),
  -- Most connections that one process of a runtime opens there; null: as its own option pool.max says.
  connections_max int constraint connections_max_is_positive check (connections_max > 0),
  -- The URL of the login that makes databases and logins there, sealed with the product's own data key.
  admin_sealed text,
  key_id uuid references rowhouse.data_keys (id),
  -- active: takes new homes. draining: keeps what it has. down: is not asked until a check succeeds.
  status text not null default 'active' constraint status_is_known check (status in ('active', 'draining', 'down')),
  server_version int,
  system_identifier text,
  checked_at timestamptz,
  -- What the last check failed with; null when it succeeded.
  check_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint host_is_not_blank check (host ~ '\S'),
  constraint without_tls_only_on_loopback check (
    tls = 'verify-full' or host is null or host = 'localhost' or host = '::1' or host ~ '^127(\.[0-9]{1,3}){3}$' or host ~ '^/'
  ),
  constraint sealed_url_names_its_key check (
    (admin_sealed is null) = (key_id is null) and (admin_sealed is null or starts_with(admin_sealed, 'v2.' || key_id || '.'))
  )
);
create index clusters_by_key on rowhouse.clusters (key_id);
create unique index one_cluster_is_the_catalogues on rowhouse.clusters ((host is null)) where host is null;

insert into rowhouse.clusters (id, tls) values ('main', 'off');

create table rowhouse.homes (
  id uuid primary key default gen_random_uuid(),
  cluster text not null references rowhouse.clusters (id),
  -- Null: the catalogue's own database, whatever it is called.
  database_name name,
  -- Where its tenant tables are.
  schema_name name not null default 'public',
  -- The login of the one organization that lives there; null: the logins that all share, such as rowhouse_app.
  login name,
  isolation text not null constraint isolation_is_a_model check (isolation in ('shared', 'schema', 'database')),
  state text not null default 'building'
    constraint state_is_known check (state in ('building', 'spare', 'assigned', 'retired', 'dropping', 'broken')),
  -- Why it is broken.
  error text,
  -- No cascade: what an organization leaves behind on a server is dropped before its row is.
  organization_id uuid references rowhouse.organizations (id),
  -- The last tenant migration; null before the first.
  version bigint constraint version_is_fourteen_digits check (version between 10000000000000 and 99999999999999),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint home_is_one_place unique nulls not distinct (cluster, database_name, schema_name),
  constraint home_has_one_organization unique (organization_id),
  constraint login_has_one_home unique (login),
  constraint own_login_where_not_shared check ((isolation = 'shared') = (login is null)),
  constraint shared_home_is_nobodys check (isolation <> 'shared' or organization_id is null),
  constraint spare_is_nobodys check (state not in ('spare', 'retired') or organization_id is null),
  constraint assigned_is_somebodys check (state <> 'assigned' or isolation = 'shared' or organization_id is not null)
)
-- Every rollout writes the version of every home: with room beside it, none of the indexes has to be written as well.
with (fillfactor = 45);
create index homes_by_state on rowhouse.homes (state, isolation, cluster);

-- The catalogue's own database, where organizations share tables.
insert into rowhouse.homes (cluster, isolation, state) values ('main', 'shared', 'assigned');

create function rowhouse.shared_home() returns uuid
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select h.id from rowhouse.homes h where h.cluster = 'main' and h.database_name is null and h.isolation = 'shared');
end
$$;

-- Where an organization is, so that one read answers where to go. database_name null: this database. login null: whoever
-- may call enter(). What it shall be in is `wanted_…`; null where that is where it is.
alter table rowhouse.placements
  add constraint placement_cluster_is_known foreign key (cluster) references rowhouse.clusters (id),
  add column login name,
  add column home_id uuid references rowhouse.homes (id),
  add column wanted_isolation text
    constraint wanted_isolation_is_a_model check (wanted_isolation in ('shared', 'schema', 'database')),
  add column wanted_cluster text references rowhouse.clusters (id),
  -- 'placing': it shall live in such a home and has none yet; nobody enters.
  drop constraint state_is_known,
  add constraint state_is_known check (state in ('placing', 'active', 'moving', 'moved')),
  add constraint own_login_where_not_shared check (state = 'placing' or (isolation = 'shared') = (login is null));
create unique index placement_login_has_one_organization on rowhouse.placements (login);
create index placements_by_home on rowhouse.placements (home_id);
create index placements_by_cluster on rowhouse.placements (cluster);
create index placements_by_wish on rowhouse.placements (organization_id)
  where wanted_isolation is not null or wanted_cluster is not null;

-- What a plan says of the home beside `isolation`, and of load. Null: no wish, no bound.
alter table rowhouse.plans
  add column region text constraint region_is_a_slug check (region ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  add column cluster text references rowhouse.clusters (id),
  -- Connections that one process of a runtime holds for one organization, and how many it keeps to a home when they rest.
  add column connections_max int constraint connections_max_is_positive check (connections_max > 0),
  add column connections_min int constraint connections_min_is_positive check (connections_min > 0),
  -- Transactions of one organization at the same time, over all processes (0835_slots.sql).
  add column concurrency_max int constraint concurrency_max_is_positive check (concurrency_max > 0),
  -- How long a query waits for a connection, and how long a connection to a home rests before it is closed.
  add column acquire_timeout_ms int constraint acquire_timeout_is_positive check (acquire_timeout_ms > 0),
  add column idle_timeout_ms int constraint idle_timeout_is_positive check (idle_timeout_ms > 0),
  -- Most connections of the login of a home, over all processes: its CONNECTION LIMIT.
  add column login_connections_max int constraint login_connections_max_is_positive check (login_connections_max > 0),
  add column statement_timeout_ms int constraint statement_timeout_is_positive check (statement_timeout_ms > 0),
  add column idle_in_transaction_timeout_ms int
    constraint idle_in_transaction_timeout_is_positive check (idle_in_transaction_timeout_ms > 0);

-- What one organization may do in place of what its plan says; null: as the plan says.
create table rowhouse.organization_limits (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  connections_max int constraint connections_max_is_positive check (connections_max > 0),
  connections_min int constraint connections_min_is_positive check (connections_min > 0),
  concurrency_max int constraint concurrency_max_is_positive check (concurrency_max > 0),
  acquire_timeout_ms int constraint acquire_timeout_is_positive check (acquire_timeout_ms > 0),
  idle_timeout_ms int constraint idle_timeout_is_positive check (idle_timeout_ms > 0),
  login_connections_max int constraint login_connections_max_is_positive check (login_connections_max > 0),
  statement_timeout_ms int constraint statement_timeout_is_positive check (statement_timeout_ms > 0),
  idle_in_transaction_timeout_ms int
    constraint idle_in_transaction_timeout_is_positive check (idle_in_transaction_timeout_ms > 0),
  updated_at timestamptz not null default now()
);

-- `version` grows with every change of who may do what in an organization, and of where it lives; copies elsewhere are of
-- one version. `version_xid` is the transaction that made it, for who asks what changed since a snapshot. `limits` is what
-- plan and organization together say, or null; enter() reads it.
alter table rowhouse.organizations
  add column version bigint not null default 1 constraint version_is_positive check (version > 0),
  add column version_xid xid8 not null default pg_current_xact_id(),
  add column limits jsonb;
create index organizations_by_version_xid on rowhouse.organizations (version_xid);

-- Organizations whose rows here are copies of another catalogue's, and of which version. They count no versions.
create table rowhouse.catalogue_copies (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  version bigint not null,
  applied_at timestamptz not null default now()
);

create function rowhouse.is_copy(organization uuid) returns boolean
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from rowhouse.catalogue_copies c where c.organization_id = organization);
end
$$;

-- What concerns who belongs to an organization is changed in its catalogue, never in a copy.
create function rowhouse.refuse_in_copy(organization uuid) returns void
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowhouse.is_copy(organization) and current_setting('rowhouse.applying_copy', true) is distinct from organization::text then
    raise exception 'What this database knows of organization % is a copy.', organization
      using errcode = 'RH084', hint = 'Change it in the catalogue; the copy follows.';
  end if;
end
$$;

-- Locks in order of id, so that two statements that change many organizations do not wait for each other.
create function rowhouse.count_version(organization_ids uuid[]) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rowhouse.organizations o where o.id = any (organization_ids) order by o.id for no key update;
  update rowhouse.organizations o set version = o.version + 1, version_xid = pg_current_xact_id()
  where o.id = any (organization_ids) and not rowhouse.is_copy(o.id);
end
$$;

-- Of members, roles, connections and placements: who belongs, what they may do, and where.
create function rowhouse.count_membership_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Where an organization lives is for a move to say, in either database.
  if tg_op = 'DELETE' then
    -- With the organization itself goes all that is known of it.
    perform rowhouse.refuse_in_copy(o.organization_id) from replaced o
    where exists (select from rowhouse.organizations g where g.id = o.organization_id);
  elsif tg_table_name <> 'placements' then
    perform rowhouse.refuse_in_copy(n.organization_id) from written n;
  end if;
  case tg_op
    when 'INSERT' then
      perform rowhouse.count_version(array(select n.organization_id from written n where n.organization_id is not null));
    when 'DELETE' then
      perform rowhouse.count_version(array(select o.organization_id from replaced o where o.organization_id is not null));
    else
      perform rowhouse.count_version(array(
        select c.organization_id from (select o.organization_id from replaced o union select n.organization_id from written n) c
        where c.organization_id is not null
      ));
  end case;
  return null;
end
$$;
create trigger count_version_inserts after insert on rowhouse.members
  referencing new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_updates after update on rowhouse.members
  referencing old table as replaced new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_deletes after delete on rowhouse.members
  referencing old table as replaced for each statement execute function rowhouse.count_membership_version();
create trigger count_version_inserts after insert on rowhouse.roles
  referencing new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_updates after update on rowhouse.roles
  referencing old table as replaced new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_deletes after delete on rowhouse.roles
  referencing old table as replaced for each statement execute function rowhouse.count_membership_version();
-- The sync engine writes health into connections all the time; only which there are concerns who may enter.
create trigger count_version_inserts after insert on rowhouse.connections
  referencing new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_deletes after delete on rowhouse.connections
  referencing old table as replaced for each statement execute function rowhouse.count_membership_version();
create trigger count_version_inserts after insert on rowhouse.connection_grants
  referencing new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_deletes after delete on rowhouse.connection_grants
  referencing old table as replaced for each statement execute function rowhouse.count_membership_version();
create trigger count_version_updates after update on rowhouse.placements
  referencing old table as replaced new table as written for each statement execute function rowhouse.count_membership_version();

-- What is known of a person is in the copies of every organization that the person belongs to.
create function rowhouse.count_user_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.count_version(array(
    select distinct m.organization_id
    from replaced o join written n on n.id = o.id and n is distinct from o
    join rowhouse.members m on m.user_id = n.id
    join rowhouse.placements p on p.organization_id = m.organization_id and p.database_name is not null
  ));
  return null;
end
$$;
create trigger count_version_updates after update on rowhouse.users
  referencing old table as replaced new table as written for each statement execute function rowhouse.count_user_version();

-- What plan and organization together bound, or null where they bound nothing.
create function rowhouse.limits_of(organization uuid, plan text) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select nullif(jsonb_strip_nulls(jsonb_build_object(
      'connections', coalesce(l.connections_max, p.connections_max),
      'connectionsMin', coalesce(l.connections_min, p.connections_min),
      'concurrency', coalesce(l.concurrency_max, p.concurrency_max),
      'acquireTimeoutMs', coalesce(l.acquire_timeout_ms, p.acquire_timeout_ms),
      'idleTimeoutMs', coalesce(l.idle_timeout_ms, p.idle_timeout_ms),
      'loginConnections', coalesce(l.login_connections_max, p.login_connections_max),
      'statementTimeoutMs', coalesce(l.statement_timeout_ms, p.statement_timeout_ms),
      'idleInTransactionTimeoutMs', coalesce(l.idle_in_transaction_timeout_ms, p.idle_in_transaction_timeout_ms)
    )), '{}')
    from rowhouse.plans p left join rowhouse.organization_limits l on l.organization_id = limits_of.organization
    where p.id = limits_of.plan
  );
end
$$;

-- Of the organization's own row.
create function rowhouse.count_organization_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    if current_setting('rowhouse.applying_copy', true) is distinct from new.id::text then
      new.limits := rowhouse.limits_of(new.id, new.plan);
    end if;
  elsif new.version = old.version and not rowhouse.is_copy(new.id) then
    if new.plan <> old.plan then
      new.limits := rowhouse.limits_of(new.id, new.plan);
    end if;
    if (new.plan, new.status, new.name, new.slug, new.limits) is distinct from (old.plan, old.status, old.name, old.slug, old.limits) then
      new.version := old.version + 1;
      new.version_xid := pg_current_xact_id();
    end if;
  end if;
  return new;
end
$$;
create trigger count_version before insert or update on rowhouse.organizations
  for each row execute function rowhouse.count_organization_version();

-- Of plans and organization_limits: the organizations whose limits are now others.
create function rowhouse.spread_limits() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_relid = 'rowhouse.plans'::regclass then
    update rowhouse.organizations o set limits = rowhouse.limits_of(o.id, o.plan)
    where o.plan = new.id and not rowhouse.is_copy(o.id) and o.limits is distinct from rowhouse.limits_of(o.id, o.plan);
  else
    update rowhouse.organizations o set limits = rowhouse.limits_of(o.id, o.plan)
    where not rowhouse.is_copy(o.id) and o.id = case when tg_op = 'DELETE' then old.organization_id else new.organization_id end;
  end if;
  return null;
end
$$;
create trigger spread_limits after update on rowhouse.plans
  for each row execute function rowhouse.spread_limits();
create trigger spread_limits after insert or update or delete on rowhouse.organization_limits
  for each row execute function rowhouse.spread_limits();

-- Organizations that live in another database, whose copy there is older than what is true here. A row goes when the copy
-- of this moment's version has arrived.
create table rowhouse.copies_due (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  -- Whoever takes it up puts this off, so that nobody else does meanwhile.
  due_at timestamptz not null default now(),
  attempts int not null default 0,
  -- The code of what the last attempt failed with.
  error text
);
create index copies_due_by_time on rowhouse.copies_due (due_at);

create function rowhouse.remember_copy_due() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rowhouse.copies_due as d (organization_id)
  select p.organization_id from rowhouse.placements p
  where p.database_name is not null and p.organization_id = (to_jsonb(new) ->> case tg_table_name when 'organizations' then 'id' else 'organization_id' end)::uuid
  on conflict (organization_id) do update set due_at = least(d.due_at, now());
  return null;
end
$$;
create trigger remember_copy_due after update on rowhouse.organizations
  for each row when (old.version <> new.version) execute function rowhouse.remember_copy_due();
create trigger remember_copy_due after insert on rowhouse.placements
  for each row when (new.database_name is not null) execute function rowhouse.remember_copy_due();

alter table rowhouse.clusters enable row level security;
alter table rowhouse.homes enable row level security;
alter table rowhouse.organization_limits enable row level security;
alter table rowhouse.catalogue_copies enable row level security;
alter table rowhouse.copies_due enable row level security;
create policy control_keeps_it on rowhouse.clusters to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.homes to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.organization_limits to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.catalogue_copies to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.copies_due to rowhouse_control using (true) with check (true);
revoke all on rowhouse.clusters, rowhouse.homes, rowhouse.organization_limits, rowhouse.catalogue_copies, rowhouse.copies_due
  from public;
grant select, insert, update, delete on rowhouse.clusters, rowhouse.homes, rowhouse.organization_limits, rowhouse.copies_due
  to rowhouse_control;
grant select on rowhouse.catalogue_copies to rowhouse_control;

-- A tenant learns from plans what it may have, not what the clusters are called.
revoke select on rowhouse.plans from rowhouse_app, authenticated, service_role;
grant select (id, name, isolation, created_at) on rowhouse.plans to rowhouse_app, authenticated, service_role;

revoke all on function
  rowhouse.shared_home(), rowhouse.count_version(uuid[]), rowhouse.count_membership_version(), rowhouse.count_user_version(),
  rowhouse.limits_of(uuid, text), rowhouse.count_organization_version(), rowhouse.spread_limits(), rowhouse.is_copy(uuid),
  rowhouse.refuse_in_copy(uuid), rowhouse.remember_copy_due()
  from public;
grant execute on function rowhouse.shared_home(), rowhouse.limits_of(uuid, text) to rowhouse_control;
