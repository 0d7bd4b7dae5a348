-- What an organization leaves behind when its placement names another home. The former home lets nobody in any more, stays for
-- a stated time, and then goes; a former database hears that the organization lives elsewhere. Whoever changes a placement, all
-- of it is written down with that change; packages/fleet/src/retire does it.
alter table rowhouse.clusters
  -- How long a former home is kept there: the way back, and for whoever misses something.
  add column retired_days int not null default 7 constraint retired_days_are_sane check (retired_days between 0 and 3650);

alter table rowhouse.homes
  -- Of a retired one: who lived there.
  add column former_organization uuid references rowhouse.organizations (id) on delete set null,
  add column retired_at timestamptz,
  -- Not dropped before.
  add column kept_until timestamptz,
  -- Since when its login lets nobody in.
  add column locked_at timestamptz,
  add constraint retired_says_until_when check ((state = 'retired') <= (retired_at is not null and kept_until is not null));
create index homes_retired on rowhouse.homes (former_organization) where state = 'retired';
create index homes_to_lock on rowhouse.homes (cluster) where (state = 'retired') <> (locked_at is not null);

-- Databases that an organization has left and that do not know it yet. A row goes when the database was told, or when the
-- organization comes back.
create table rowhouse.farewells (
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  cluster text not null references rowhouse.clusters (id) on delete cascade,
  database_name name not null,
  -- Whoever takes it up puts this off, so that nobody else does meanwhile.
  due_at timestamptz not null default now(),
  attempts int not null default 0,
  -- The code of what the last attempt failed with.
  error text,
  primary key (organization_id, cluster, database_name)
);
create index farewells_by_time on rowhouse.farewells (due_at);

create function rowhouse.leave_home() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- In a copy the placement says what the catalogue decided; what is left behind is the catalogue's affair.
  if rowhouse.is_copy(new.organization_id) then
    return null;
  end if;
  update rowhouse.homes h
  set state = 'retired', organization_id = null, former_organization = old.organization_id, retired_at = now(),
    kept_until = now() + make_interval(days => coalesce(above.retired_days, here.retired_days)),
    run = null, run_until = null, attempts = 0, error = null, updated_at = now()
  from rowhouse.clusters here left join rowhouse.clusters above on above.id = here.parent
  where h.id = old.home_id and h.isolation <> 'shared' and h.state = 'assigned' and h.organization_id = old.organization_id
    and here.id = h.cluster;
  if exists (select from rowhouse.homes h where h.id = new.home_id and h.state in ('dropping', 'broken')) then
    raise exception 'The home % goes, and takes nobody.', new.home_id
      using errcode = 'RH087', hint = 'See its state in rowhouse.homes; choose another one.';
  end if;
  -- Also the way back: a login that was locked stays so in the row until it is opened.
  update rowhouse.homes h
  set state = 'assigned', organization_id = new.organization_id, former_organization = null, retired_at = null, kept_until = null,
    limits_due = true, run = null, run_until = null, error = null, updated_at = now()
  where h.id = new.home_id and h.isolation <> 'shared' and h.state <> 'assigned';
  if old.database_name is not null
    and (old.cluster, old.database_name) is distinct from (new.cluster, new.database_name)
  then
    insert into rowhouse.farewells as f (organization_id, cluster, database_name)
    values (old.organization_id, old.cluster, old.database_name)
    on conflict (organization_id, cluster, database_name) do update set due_at = now(), attempts = 0, error = null;
  end if;
  delete from rowhouse.farewells f
  where f.organization_id = new.organization_id and f.cluster = new.cluster and f.database_name = new.database_name;
  return null;
end
$$;
create trigger leave_home after update of home_id on rowhouse.placements
  -- A first home is assigned, which is another matter.
  for each row when (old.state <> 'placing' and old.home_id is distinct from new.home_id)
  execute function rowhouse.leave_home();

-- Takes up databases that are to be told, for a worker, each put off by 30 s, longer than telling may take: what a database
-- shall know from then on, and the way there. Nobody belongs to the organization there any more, and no name or address of a
-- person is left; connections stay, because what hangs on them is needed on the way back.
create function rowhouse.take_farewells(most int)
  returns table (organization_id uuid, farewell jsonb)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  due rowhouse.farewells;
  copy jsonb;
begin
  for due in
    update rowhouse.farewells f
    set due_at = now() + interval '30 s', attempts = f.attempts + 1
    where (f.organization_id, f.cluster, f.database_name) in (
      select n.organization_id, n.cluster, n.database_name from rowhouse.farewells n
      where n.due_at <= now() order by n.due_at limit most for update skip locked
    )
    returning f.*
  loop
    copy := jsonb_set(rowhouse.catalogue_copy(due.organization_id), '{placement,here}', 'false')
      || '{"members": [], "users": [], "roles": [], "grants": []}';
    return query
      select due.organization_id, jsonb_build_object('cluster', c.id, 'host', c.host, 'port', c.port, 'tls', c.tls,
        'tlsCa', c.tls_ca, 'databaseName', due.database_name, 'version', copy ->> 'version', 'copy', copy::text)
      from rowhouse.clusters c where c.id = due.cluster;
  end loop;
end
$$;

-- What came of telling: after a failure it is due in 1 s, then 2, 4 … 256.
create function rowhouse.settle_farewell(organization uuid, cluster text, database_name name, failure text default null) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if failure is null then
    delete from rowhouse.farewells f
    where f.organization_id = organization and f.cluster = settle_farewell.cluster and f.database_name = settle_farewell.database_name;
    return;
  end if;
  update rowhouse.farewells f
  set error = failure, due_at = now() + 2 ^ least(greatest(f.attempts - 1, 0), 8) * interval '1 second'
  where f.organization_id = organization and f.cluster = settle_farewell.cluster and f.database_name = settle_farewell.database_name;
end
$$;

alter table rowhouse.farewells enable row level security;
create policy control_keeps_it on rowhouse.farewells to rowhouse_control using (true) with check (true);
revoke all on rowhouse.farewells from public;
grant select, delete on rowhouse.farewells to rowhouse_control;
revoke all on function
  rowhouse.leave_home(), rowhouse.take_farewells(int), rowhouse.settle_farewell(uuid, text, name, text)
  from public;
grant execute on function rowhouse.take_farewells(int), rowhouse.settle_farewell(uuid, text, name, text) to rowhouse_control;
