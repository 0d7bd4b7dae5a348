-- How homes come to be and who moves in: the steps of a home, warm spares, and which cluster an organization's plan leads to.
-- The work on servers is done by packages/fleet/src/provision; this is what it writes down, so that a process that dies
-- leaves nothing that another one cannot finish.

alter table rowhouse.clusters
  -- Warm homes that are kept ready there; an organization of such a plan moves in at once.
  add column spare_schemas int not null default 0 constraint spare_schemas_are_few check (spare_schemas between 0 and 1000),
  add column spare_databases int not null default 0 constraint spare_databases_are_few check (spare_databases between 0 and 1000),
  -- Of a server that a driver made for one home: the cluster whose driver made it.
  add column parent text references rowhouse.clusters (id),
  add constraint nobodys_own_parent check (parent <> id);

alter table rowhouse.homes
  -- The last step that is done; the next run begins after it.
  add column step text not null default 'recorded'
    constraint step_is_known check (step in ('recorded', 'server', 'made', 'migrated', 'verified')),
  -- Of the run that works on it, until when nobody else does.
  add column run uuid,
  add column run_until timestamptz,
  add column attempts int not null default 0;
create index homes_unfinished on rowhouse.homes (run_until) where state in ('building', 'dropping');

-- Whether a cluster's capacity leaves room for one more home and its organization; for `shared`, for one more organization.
-- Organizations that wait for a home are nowhere yet, except where one is being made for them.
create function rowhouse.cluster_has_room(cluster rowhouse.clusters, isolation text) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if cluster.organizations_max is not null
    and (
      select count(*) from rowhouse.placements p where p.cluster = cluster_has_room.cluster.id and p.state <> 'placing'
    ) + (
      select count(*) from rowhouse.homes h
      where h.cluster = cluster_has_room.cluster.id and h.state = 'building' and h.organization_id is not null
    ) >= cluster.organizations_max
  then
    return false;
  end if;
  return case isolation
    when 'schema' then cluster.schemas_max is null
      or (select count(*) from rowhouse.homes h where h.cluster = cluster_has_room.cluster.id and h.isolation = 'schema') < cluster.schemas_max
    when 'database' then cluster.databases_max is null or (
      select count(*) from rowhouse.homes h join rowhouse.clusters c on c.id = h.cluster
      where cluster_has_room.cluster.id in (c.id, c.parent) and h.isolation = 'database') < cluster.databases_max
    else true
  end;
end
$$;

-- Writes a home down, before anything of it is made, for a run that holds it so long. Those who do so at once on a cluster with a
-- bound wait for each other here: whoever looked before may have seen the last place free, as others did.
create function rowhouse.record_home(
  home uuid, cluster text, database_name name, schema_name name, login name, isolation text, organization uuid, run uuid, lease interval
) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  place rowhouse.clusters;
begin
  perform from rowhouse.clusters c
  where c.id = cluster and num_nonnulls(c.organizations_max, c.schemas_max, c.databases_max) > 0
  for no key update;
  if found then
    select * into place from rowhouse.clusters c where c.id = cluster;
    if not rowhouse.cluster_has_room(place, isolation) then
      raise exception 'The cluster % is full.', cluster
        using errcode = 'RH086', hint = 'See rowhouse cluster list; add a cluster, or raise what this one takes.';
    end if;
  end if;
  insert into rowhouse.homes (id, cluster, database_name, schema_name, login, isolation, organization_id, run, run_until)
  values (home, cluster, database_name, schema_name, login, isolation, organization, run, now() + lease);
end
$$;

-- The clusters that a plan leads to, best first: the emptiest of those that are active and have room. Refuses where there is
-- none, and says why.
create function rowhouse.clusters_for(plan text, isolation text default null) returns setof text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  wanted rowhouse.plans;
  suits int;
  -- Where there is one cluster, nothing is counted to find the emptiest.
  is_choice boolean := (select count(*) > 1 from rowhouse.clusters c where c.parent is null);
begin
  select * into wanted from rowhouse.plans p where p.id = plan;
  if not found then
    raise exception 'There is no plan named %.', plan using errcode = 'RH033';
  end if;
  isolation := coalesce(isolation, wanted.isolation);
  return query
  select c.id
  from rowhouse.clusters c
  where c.parent is null and c.status = 'active' and isolation = any (c.models)
    and c.region = coalesce(wanted.region, c.region) and c.id = coalesce(wanted.cluster, c.id)
    and (rowhouse.cluster_has_room(c, isolation) or (
      -- A warm home is counted already.
      rowhouse.cluster_has_room(c, 'shared') and isolation <> 'shared'
      and exists (select from rowhouse.homes h where h.state = 'spare' and h.isolation = isolation and h.cluster = c.id)))
  order by
    case when is_choice then not exists (
      select from rowhouse.homes h where h.state = 'spare' and h.isolation = isolation and h.cluster = c.id) end,
    case when is_choice then (select count(*) from rowhouse.homes h where h.cluster = c.id) end,
    c.host is not null, c.id;
  if found then
    return;
  end if;
  select count(*) into suits
  from rowhouse.clusters c
  where c.parent is null and isolation = any (c.models)
    and c.region = coalesce(wanted.region, c.region) and c.id = coalesce(wanted.cluster, c.id);
  if suits = 0 then
    raise exception 'No cluster% takes the model %, which the plan % asks for.',
      coalesce(' in the region ' || wanted.region, '') || coalesce(' named ' || wanted.cluster, ''), isolation, plan
      using errcode = 'RH085', hint = 'Add one with rowhouse cluster add, or change the plan with rowhouse plan set.';
  end if;
  raise exception 'Every cluster that the plan % leads to is full, draining or down.', plan
    using errcode = 'RH086', hint = 'See rowhouse cluster list; add a cluster, or raise what one takes.';
end
$$;

-- Where a new organization lives: in the home that was claimed for it, or nowhere yet.
create function rowhouse.place_organization(organization uuid, home uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  place rowhouse.homes;
begin
  if home is null then
    insert into rowhouse.placements (organization_id, isolation, state, wanted_isolation, wanted_cluster)
    select organization, p.isolation, 'placing', p.isolation, p.cluster
    from rowhouse.organizations o join rowhouse.plans p on p.id = o.plan
    where o.id = organization;
    return;
  end if;
  select * into place from rowhouse.homes h where h.id = home;
  insert into rowhouse.placements (organization_id, cluster, database_name, schema_name, isolation, login, home_id)
  values (organization, place.cluster, place.database_name,
    case when place.isolation = 'shared' and place.database_name is null then null else place.schema_name end,
    place.isolation, place.login, place.id);
  if place.isolation <> 'shared' then
    update rowhouse.homes h
    set state = 'assigned', organization_id = organization, run = null, run_until = null, updated_at = now()
    where h.id = home;
  end if;
end
$$;

-- What is left to do for an organization whose placement says where it lives.
create function rowhouse.settling(organization uuid) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'organizationId', organization, 'state', p.state, 'homeId', p.home_id,
      'isLimited', p.login is not null and coalesce(o.limits ?| '{loginConnections,statementTimeoutMs,idleInTransactionTimeoutMs}', false),
      'copy', case when p.state <> 'placing' then rowhouse.copy_to_carry(organization) end
    )
    from rowhouse.placements p join rowhouse.organizations o on o.id = p.organization_id
    where p.organization_id = organization
  );
end
$$;

-- create_organization() with what is left to do, for a process that does it: a warm home costs one transaction here.
create function rowhouse.open_organization(name text, slug text, owner_id uuid, plan text default null) returns jsonb
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- A statement of its own: what is read of it is what it has written.
  organization uuid := rowhouse.create_organization(name, slug, owner_id, plan);
begin
  return rowhouse.settling(organization);
end
$$;

-- A home for a new organization: for a shared plan a database that others share, else a warm one that nobody else is taking
-- at this moment. Null where none is ready. Refuses where the plan leads to no cluster.
create function rowhouse.claim_home(plan text) returns uuid
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  isolation text;
  cluster text;
  claimed uuid;
begin
  select p.isolation into isolation from rowhouse.plans p where p.id = plan;
  for cluster in select * from rowhouse.clusters_for(plan) loop
    -- Others who were told of the last place at the same moment wait here, and look again.
    perform from rowhouse.clusters c where c.id = cluster and c.organizations_max is not null for no key update;
    continue when found and not (select rowhouse.cluster_has_room(c, 'shared') from rowhouse.clusters c where c.id = cluster);
    if isolation = 'shared' then
      select h.id into claimed from rowhouse.homes h
      where h.cluster = cluster and h.isolation = 'shared' and h.state = 'assigned'
      order by h.database_name nulls first limit 1;
    else
      select h.id into claimed from rowhouse.homes h
      where (h.cluster = cluster or exists (select from rowhouse.clusters c where c.id = h.cluster and c.parent = cluster))
        and h.isolation = isolation and h.state = 'spare'
      order by h.version desc nulls last, h.created_at limit 1
      for update skip locked;
    end if;
    exit when claimed is not null;
  end loop;
  if claimed is null and isolation = 'shared' then
    raise exception 'No cluster that the plan % leads to has a database that organizations share.', plan
      using errcode = 'RH085', hint = 'Add one with rowhouse cluster add, or change the plan with rowhouse plan set.';
  end if;
  return claimed;
end
$$;

-- The warm homes that organizations to come will live in, those first that are handed out first, of each cluster and model as
-- many. For a runtime that connects before they come; a home's id is the one that its organization will have.
create function rowhouse.standby_homes(token text, most int)
  returns table (
    id uuid, cluster text, host text, port int, tls text, tls_ca text, cluster_connections_max int,
    database_name text, schema_name text, login text, isolation text
  )
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.refuse_home_login();
  perform rowhouse.check_runtime_token(token);
  return query
    select s.id, s.cluster, c.host, c.port, c.tls, c.tls_ca, c.connections_max, s.database_name::text, s.schema_name::text,
      s.login::text, s.isolation
    from (
      select h.*, row_number() over (partition by coalesce(at.parent, at.id), h.isolation
        order by h.version desc nulls last, h.created_at) as position
      from rowhouse.homes h join rowhouse.clusters at on at.id = h.cluster
      where h.state = 'spare'
    ) s
    join rowhouse.clusters c on c.id = s.cluster
    where s.position <= most
    order by s.position, s.created_at
    limit most * 4;
end
$$;

-- An organization that waits for its home has it from here on. A home takes one organization, and an organization that is
-- somewhere already moves, which is another matter.
create function rowhouse.assign_home(home uuid, organization uuid) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  place rowhouse.homes;
begin
  select * into place from rowhouse.homes h
  where h.id = home and (h.isolation = 'shared'
    or (h.state in ('building', 'spare') and h.step = 'verified' and coalesce(h.organization_id, organization) = organization))
  for update;
  if not found then
    raise exception 'The home % is not ready, or has an organization.', home
      using errcode = 'RH087', hint = 'See its state in rowhouse.homes; a worker finishes or drops what is not ready.';
  end if;
  if place.isolation <> 'shared' then
    update rowhouse.homes h
    set state = 'assigned', organization_id = organization, run = null, run_until = null, updated_at = now()
    where h.id = home;
  end if;
  update rowhouse.placements p
  set cluster = place.cluster, database_name = place.database_name, schema_name = place.schema_name,
    isolation = place.isolation, login = place.login, home_id = place.id, state = 'active', epoch = p.epoch + 1,
    wanted_isolation = null, wanted_cluster = null, updated_at = now()
  where p.organization_id = organization and p.state = 'placing';
  if not found then
    raise exception 'The organization % does not wait for a home.', organization
      using errcode = 'RH087', hint = 'An organization that has a home is moved.';
  end if;
end
$$;

-- What the plan says, against where the organization is: the difference stands in the placement until a move closes it.
create function rowhouse.note_wanted(organizations uuid[]) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update rowhouse.placements p
  set wanted_isolation = w.isolation, wanted_cluster = w.cluster
  from (
    select o.id, nullif(l.isolation, at.isolation) as isolation,
      case
        -- A server that a driver made for one home is where the cluster wants its organizations.
        when l.cluster is not null then nullif(l.cluster, coalesce(here.parent, here.id))
        when l.region is not null and l.region <> here.region then (
          select c.id from rowhouse.clusters c
          where c.region = l.region and c.parent is null and l.isolation = any (c.models)
          order by c.status <> 'active', c.id limit 1)
      end as cluster
    from rowhouse.organizations o
    join rowhouse.plans l on l.id = o.plan
    join rowhouse.placements at on at.organization_id = o.id
    join rowhouse.clusters here on here.id = at.cluster
    where o.id = any (organizations)
  ) w
  where p.organization_id = w.id and (p.wanted_isolation, p.wanted_cluster) is distinct from (w.isolation, w.cluster);
end
$$;

create function rowhouse.note_wanted_by_organization() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.note_wanted(array[new.id]);
  return null;
end
$$;
create trigger note_wanted after update of plan on rowhouse.organizations
  for each row when (old.plan <> new.plan) execute function rowhouse.note_wanted_by_organization();

create function rowhouse.note_wanted_by_plan() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.note_wanted(array(select o.id from rowhouse.organizations o where o.plan = new.id));
  return null;
end
$$;
create trigger note_wanted after update of isolation, region, cluster on rowhouse.plans
  -- Not of the three columns: Postgres says that as nested ORs, which a dump brings back otherwise nested.
  for each row when (old is distinct from new)
  execute function rowhouse.note_wanted_by_plan();

revoke all on function
  rowhouse.cluster_has_room(rowhouse.clusters, text),
  rowhouse.record_home(uuid, text, name, name, name, text, uuid, uuid, interval), rowhouse.clusters_for(text, text), rowhouse.place_organization(uuid, uuid),
  rowhouse.settling(uuid), rowhouse.open_organization(text, text, uuid, text),
  rowhouse.claim_home(text), rowhouse.standby_homes(text, int), rowhouse.assign_home(uuid, uuid), rowhouse.note_wanted(uuid[]), rowhouse.note_wanted_by_organization(), rowhouse.note_wanted_by_plan()
  from public;
grant execute on function
  rowhouse.record_home(uuid, text, name, name, name, text, uuid, uuid, interval), rowhouse.clusters_for(text, text),
  rowhouse.assign_home(uuid, uuid), rowhouse.settling(uuid),
  rowhouse.open_organization(text, text, uuid, text)
  to rowhouse_control;
grant execute on function rowhouse.standby_homes(text, int) to rowhouse_app;
