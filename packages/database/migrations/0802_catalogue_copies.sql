-- What a database outside the catalogue knows of the organizations that live in it: copies of the catalogue's rows that
-- concern them, and of no others. rowhouse_control carries them, each whole and of one version; a version never goes back.

-- One organization as its home must know it, in one snapshot, or null where there is none.
create function rowhouse.catalogue_copy(organization uuid) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowhouse.is_copy(organization) then
    raise exception 'What this database knows of organization % is a copy.', organization
      using errcode = 'RH084', hint = 'Ask the catalogue.';
  end if;
  return (
    select jsonb_build_object(
      'version', o.version,
      'organization', to_jsonb(o) - '{version,version_xid}'::text[],
      'plan', to_jsonb(l) - '{cluster}'::text[],
      'limits', (select to_jsonb(b) from rowhouse.organization_limits b where b.organization_id = o.id),
      'retention', (select to_jsonb(k) from rowhouse.log_retention k where k.organization_id = o.id),
      'placement', jsonb_build_object(
        'databaseName', p.database_name, 'schemaName', p.schema_name, 'login', p.login, 'isolation', p.isolation,
        'epoch', p.epoch, 'state', p.state
      ),
      'roles', coalesce((
        select jsonb_agg(jsonb_build_object('name', r.name, 'permissions', r.permissions) order by r.name)
        from rowhouse.roles r where r.organization_id = o.id
      ), '[]'),
      'members', coalesce((
        select jsonb_agg(jsonb_build_object('userId', m.user_id, 'role', m.role, 'createdAt', m.created_at) order by m.user_id)
        from rowhouse.members m where m.organization_id = o.id
      ), '[]'),
      'users', coalesce((
        select jsonb_agg(jsonb_build_object('id', u.id, 'email', u.email, 'emailVerifiedAt', u.email_verified_at, 'name', u.name) order by u.id)
        from rowhouse.members m join rowhouse.users u on u.id = m.user_id where m.organization_id = o.id
      ), '[]'),
      'connections', coalesce((
        select jsonb_agg(c.id order by c.id) from rowhouse.connections c where c.organization_id = o.id
      ), '[]'),
      'grants', coalesce((
        select jsonb_agg(to_jsonb(g) order by g.id) from rowhouse.connection_grants g where g.organization_id = o.id
      ), '[]')
    )
    from rowhouse.organizations o
    join rowhouse.plans l on l.id = o.plan
    join rowhouse.placements p on p.organization_id = o.id
    where o.id = organization
  );
end
$$;

-- Whose copy is being applied: a row that is locked meanwhile. Not an advisory lock, which any tenant of the database could
-- hold, and with it the news that somebody was removed.
create table rowhouse.copies_in_turn (
  organization_id uuid primary key
);
alter table rowhouse.copies_in_turn enable row level security;
revoke all on rowhouse.copies_in_turn from public;

-- The copy that the home of an organization shall have, its version, and how to get there; null where the organization lives in
-- the catalogue's database. The copy as text: what it says is for the home, and nobody on the way reads numbers anew.
create function rowhouse.copy_to_carry(organization uuid) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  copy jsonb;
  way jsonb;
begin
  select jsonb_build_object('cluster', p.cluster, 'host', c.host, 'port', c.port, 'tls', c.tls, 'tlsCa', c.tls_ca, 'databaseName', p.database_name)
  into way
  from rowhouse.placements p join rowhouse.clusters c on c.id = p.cluster
  where p.organization_id = organization and p.database_name is not null;
  if not found then
    return null;
  end if;
  copy := rowhouse.catalogue_copy(organization);
  return way || jsonb_build_object('version', copy ->> 'version', 'copy', copy::text);
end
$$;

-- Makes what this database knows of an organization equal to a copy, and says whether there was anything to do: not where
-- it has that version already. Members, roles, connections and grants that are gone go; whoever belongs to nobody here any more
-- loses e-mail and name. Where the placement is another database, the organization does not live here from then on.
-- A suspension waits for who is at work, as rowhouse.set_organization_status() does.
create function rowhouse.apply_catalogue_copy(copy jsonb) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '10s'
as $$
declare
  given rowhouse.organizations := jsonb_populate_record(null::rowhouse.organizations, copy -> 'organization');
  plan rowhouse.plans := jsonb_populate_record(null::rowhouse.plans, copy -> 'plan');
  place jsonb := copy -> 'placement';
  given_version bigint := copy ->> 'version';
  known_version bigint;
  -- Databases of two clusters may have one name, so a farewell says besides that it is one.
  lives_here boolean := coalesce(place ->> 'databaseName' = current_database() and coalesce((place ->> 'here')::boolean, true), false);
begin
  if given.id is null or plan.id is null or given_version is null or place is null then
    raise exception 'That is no copy of an organization.' using errcode = 'RH084', hint = 'rowhouse.catalogue_copy() makes them.';
  end if;
  -- One at a time for an organization; not its own lock, which its requests hold shared.
  insert into rowhouse.copies_in_turn (organization_id) values (given.id) on conflict do nothing;
  perform from rowhouse.copies_in_turn t where t.organization_id = given.id for update;
  select c.version into known_version from rowhouse.catalogue_copies c where c.organization_id = given.id;
  if known_version is null and exists (select from rowhouse.organizations o where o.id = given.id) then
    raise exception 'Organization % is of this catalogue.', given.id
      using errcode = 'RH084', hint = 'A copy is for the database that the organization lives in.';
  elsif known_version > given_version then
    raise exception 'The copy of organization % is of version %, and older than what is here: %.', given.id, given_version, known_version
      using errcode = 'RH084', hint = 'Make it anew in the catalogue.';
  elsif known_version = given_version then
    return false;
  end if;
  if given.status <> 'active' and known_version is not null then
    perform pg_advisory_xact_lock(rowhouse.lock_key(given.id));
  end if;
  perform set_config('rowhouse.applying_copy', given.id::text, true);

  insert into rowhouse.plans as l (
    id, name, isolation, region, log_retention_days, connections_max, connections_min, concurrency_max, acquire_timeout_ms,
    idle_timeout_ms, login_connections_max, statement_timeout_ms, idle_in_transaction_timeout_ms
  ) values (
    plan.id, plan.name, plan.isolation, plan.region, plan.log_retention_days, plan.connections_max, plan.connections_min,
    plan.concurrency_max, plan.acquire_timeout_ms, plan.idle_timeout_ms, plan.login_connections_max,
    plan.statement_timeout_ms, plan.idle_in_transaction_timeout_ms
  )
  on conflict (id) do update set
    name = excluded.name, isolation = excluded.isolation, region = excluded.region, log_retention_days = excluded.log_retention_days,
    connections_max = excluded.connections_max, connections_min = excluded.connections_min,
    concurrency_max = excluded.concurrency_max, acquire_timeout_ms = excluded.acquire_timeout_ms,
    idle_timeout_ms = excluded.idle_timeout_ms, login_connections_max = excluded.login_connections_max,
    statement_timeout_ms = excluded.statement_timeout_ms, idle_in_transaction_timeout_ms = excluded.idle_in_transaction_timeout_ms
  where (l.name, l.isolation, l.region, l.log_retention_days, l.connections_max, l.connections_min, l.concurrency_max,
    l.acquire_timeout_ms, l.idle_timeout_ms, l.login_connections_max, l.statement_timeout_ms, l.idle_in_transaction_timeout_ms) is distinct from (
    excluded.name, excluded.isolation, excluded.region, excluded.log_retention_days, excluded.connections_max,
    excluded.connections_min, excluded.concurrency_max, excluded.acquire_timeout_ms, excluded.idle_timeout_ms,
    excluded.login_connections_max, excluded.statement_timeout_ms, excluded.idle_in_transaction_timeout_ms);
  -- A slug that was given on before the copy of its former owner has come.
  update rowhouse.organizations o set slug = o.id::text
  where o.slug = given.slug and o.id <> given.id and rowhouse.is_copy(o.id);
  insert into rowhouse.organizations as o (id, slug, name, plan, status, limits, version, created_at, updated_at)
  values (given.id, given.slug, given.name, given.plan, given.status, given.limits, given_version, given.created_at, given.updated_at)
  on conflict (id) do update set
    slug = excluded.slug, name = excluded.name, plan = excluded.plan, status = excluded.status, limits = excluded.limits,
    version = excluded.version, updated_at = excluded.updated_at;
  insert into rowhouse.catalogue_copies (organization_id, version) values (given.id, given_version)
  on conflict (organization_id) do update set version = excluded.version, applied_at = now();

  -- Members go before their roles, and come after them: no role of a member is missing at any statement. Of an organization
  -- that nothing was known of nothing can go; a warm home gets its first copy while somebody waits.
  if known_version is not null then
    delete from rowhouse.members m
    where m.organization_id = given.id
      and not exists (select from jsonb_array_elements(copy -> 'members') c where (c ->> 'userId')::uuid = m.user_id);
  end if;
  if copy -> 'roles' <> '[]' then
    insert into rowhouse.roles as r (organization_id, name, permissions)
    select given.id, c ->> 'name', array(select jsonb_array_elements_text(c -> 'permissions'))
    from jsonb_array_elements(copy -> 'roles') c
    on conflict on constraint role_is_named_once do update set permissions = excluded.permissions
    where r.permissions <> excluded.permissions;
  end if;
  insert into rowhouse.users as u (id, email, email_verified_at, name)
  select (c ->> 'id')::uuid, c ->> 'email', (c ->> 'emailVerifiedAt')::timestamptz, c ->> 'name'
  from jsonb_array_elements(copy -> 'users') c
  on conflict (id) do update set
    email = excluded.email, email_verified_at = excluded.email_verified_at, name = excluded.name, updated_at = now(), deleted_at = null
  where (u.email, u.email_verified_at, u.name) is distinct from (excluded.email, excluded.email_verified_at, excluded.name);
  insert into rowhouse.members as m (organization_id, user_id, role, created_at)
  select given.id, (c ->> 'userId')::uuid, c ->> 'role', (c ->> 'createdAt')::timestamptz
  from jsonb_array_elements(copy -> 'members') c
  on conflict (organization_id, user_id) do update set role = excluded.role where m.role <> excluded.role;
  if known_version is not null then
    delete from rowhouse.roles r
    where r.organization_id = given.id
      and not exists (select from jsonb_array_elements(copy -> 'roles') c where c ->> 'name' = r.name);
    update rowhouse.users u set email = null, email_verified_at = null, name = null, updated_at = now()
    where (u.email is not null or u.name is not null) and not exists (select from rowhouse.members m where m.user_id = u.id);
    delete from rowhouse.connections c
    where c.organization_id = given.id
      and not exists (select from jsonb_array_elements_text(copy -> 'connections') k where k::uuid = c.id);
    delete from rowhouse.connection_grants g
    where g.organization_id = given.id
      and not exists (select from jsonb_array_elements(copy -> 'grants') c where (c ->> 'id')::uuid = g.id);
    delete from rowhouse.organization_limits b where b.organization_id = given.id and copy ->> 'limits' is null;
  end if;
  if copy -> 'connections' <> '[]' then
    insert into rowhouse.connections (id, organization_id)
    select k::uuid, given.id from jsonb_array_elements_text(copy -> 'connections') k
    on conflict (id) do nothing;
  end if;
  if copy -> 'grants' <> '[]' then
    insert into rowhouse.connection_grants
    select g.* from jsonb_populate_recordset(null::rowhouse.connection_grants, copy -> 'grants') g
    on conflict (id) do nothing;
  end if;
  if copy ->> 'limits' is not null then
    insert into rowhouse.organization_limits
    select b.* from jsonb_populate_record(null::rowhouse.organization_limits, copy -> 'limits') b
    on conflict (organization_id) do update set
      connections_max = excluded.connections_max, connections_min = excluded.connections_min,
      concurrency_max = excluded.concurrency_max, acquire_timeout_ms = excluded.acquire_timeout_ms,
      idle_timeout_ms = excluded.idle_timeout_ms, login_connections_max = excluded.login_connections_max,
      statement_timeout_ms = excluded.statement_timeout_ms,
      idle_in_transaction_timeout_ms = excluded.idle_in_transaction_timeout_ms, updated_at = excluded.updated_at;
  end if;
  delete from rowhouse.log_retention k where k.organization_id = given.id and copy -> 'retention' = 'null';
  if copy ->> 'retention' is not null then
    insert into rowhouse.log_retention
    select k.* from jsonb_populate_record(null::rowhouse.log_retention, copy -> 'retention') k
    on conflict (organization_id) do update set days = excluded.days, updated_at = excluded.updated_at;
  end if;

  -- Seen from here: this database, and this server, which `main` is.
  insert into rowhouse.placements as p (organization_id, cluster, schema_name, login, isolation, epoch, state)
  values (given.id, 'main', place ->> 'schemaName', (place ->> 'login')::name, place ->> 'isolation', (place ->> 'epoch')::bigint,
    case when lives_here then place ->> 'state' else 'moved' end)
  on conflict (organization_id) do update set
    schema_name = excluded.schema_name, login = excluded.login, isolation = excluded.isolation, epoch = excluded.epoch,
    state = excluded.state, updated_at = now()
  where (p.schema_name, p.login, p.isolation, p.epoch, p.state)
    is distinct from (excluded.schema_name, excluded.login, excluded.isolation, excluded.epoch, excluded.state);
  perform set_config('rowhouse.applying_copy', '', true);
  return true;
exception when lock_not_available then
  raise exception 'A transaction of organization % has run for more than 10 s.', given.id
    using errcode = 'RH010', hint = 'Try again when it has ended.';
end
$$;

-- Takes up copies that are due, for a worker: puts each off by 30 s, longer than carrying one may take, so that no other
-- worker takes it meanwhile.
create function rowhouse.take_copies_due(most int) returns setof uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    update rowhouse.copies_due d
    set due_at = now() + interval '30 s', attempts = d.attempts + 1
    where d.organization_id in (
      select n.organization_id from rowhouse.copies_due n where n.due_at <= now() order by n.due_at limit most for update skip locked
    )
    returning d.organization_id;
end
$$;

-- What came of carrying a copy of this version: nothing is due where it is still the newest, else at once. After a failure
-- it is due in 1 s, then 2, 4 … 256.
create function rowhouse.settle_copy(organization uuid, carried_version bigint, failure text default null) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if failure is not null then
    insert into rowhouse.copies_due as d (organization_id, error, due_at)
    values (organization, failure, now() + interval '1 second')
    on conflict (organization_id) do update set
      error = excluded.error, due_at = now() + 2 ^ least(greatest(d.attempts - 1, 0), 8) * interval '1 second';
    return;
  end if;
  delete from rowhouse.copies_due d
  where d.organization_id = organization
    and (select o.version from rowhouse.organizations o where o.id = organization) = carried_version;
  update rowhouse.copies_due d set due_at = now(), attempts = 0, error = null where d.organization_id = organization;
end
$$;

revoke all on function
  rowhouse.catalogue_copy(uuid), rowhouse.copy_to_carry(uuid), rowhouse.apply_catalogue_copy(jsonb), rowhouse.take_copies_due(int),
  rowhouse.settle_copy(uuid, bigint, text)
  from public;
grant execute on function
  rowhouse.catalogue_copy(uuid), rowhouse.copy_to_carry(uuid), rowhouse.apply_catalogue_copy(jsonb), rowhouse.take_copies_due(int),
  rowhouse.settle_copy(uuid, bigint, text)
  to rowhouse_control;
