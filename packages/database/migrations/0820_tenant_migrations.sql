-- Migrations of tenants' tables, in each database that holds homes: what every home has, written in the transaction that
-- changed it, so that a runner that is killed leaves no doubt; and the fence that keeps a runner out that was superseded
-- while it slept. The fleet's ledger is 0821_rollouts.sql.

create table rowhouse.applied_tenant_migrations (
  schema_name name not null,
  version text not null constraint version_is_a_moment check (version ~ '^\d{14}$'),
  name text not null,
  -- SHA-256 of the file, hex.
  checksum text not null,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (schema_name, version)
);

-- The migrations themselves, in the catalogue's database.
create table rowhouse.tenant_migrations (
  version text primary key constraint version_is_a_moment check (version ~ '^\d{14}$'),
  name text not null,
  checksum text not null,
  sql text not null,
  -- folder: of the folder that is rolled out. stack: what the development stack brings before it, which no folder has.
  origin text not null default 'folder' constraint origin_is_known check (origin in ('folder', 'stack')),
  -- What the file allows past a check, and why: {"drop_column": "…"}.
  overrides jsonb not null default '{}',
  recorded_by name not null default session_user,
  recorded_at timestamptz not null default now(),
  -- When the first wave had it and nothing was found: a new home gets it from then on.
  released_at timestamptz
);

-- One row: the newest runner that came to this database.
create table rowhouse.rollout_fence (
  is_the_only_row boolean primary key default true constraint fence_is_one_row check (is_the_only_row),
  fence bigint not null
);
insert into rowhouse.rollout_fence (fence) values (0);

-- Runners hold it shared while they change a home, and exclusively while they raise the fence.
create function rowhouse.fence_lock_key() returns bigint
  language sql volatile
  return rowhouse.turn_key('rollout fence');

create function rowhouse.home_lock_key(schema_name name) returns bigint
  language sql volatile
  return rowhouse.turn_key('migrates ' || schema_name);

-- From here on no runner with a lower fence changes a home of this database; what it had under way has ended.
create function rowhouse.raise_rollout_fence(fence bigint) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(rowhouse.fence_lock_key());
  update rowhouse.rollout_fence f set fence = raise_rollout_fence.fence where f.fence < raise_rollout_fence.fence;
  perform rowhouse.check_rollout_fence(fence);
end
$$;

create function rowhouse.check_rollout_fence(fence bigint) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  standing bigint := (select f.fence from rowhouse.rollout_fence f);
begin
  if check_rollout_fence.fence < standing then
    raise exception 'A newer rollout (%) has taken over from this one (%).', standing, fence
      using errcode = 'RH088', hint = 'See rowhouse migrate status.';
  end if;
end
$$;

-- The first statement of a transaction that migrates homes. Takes each home's lock until the transaction ends, and says
-- what the homes have from a version on: of a fleet that has had hundreds, all of them would be read for each new one. A fence of
-- null is a home that nobody else can know of yet.
create function rowhouse.begin_tenant_migrations(schemas name[], fence bigint default null, since text default '')
  returns table (schema_name name, version text, checksum text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if fence is not null then
    perform pg_advisory_xact_lock_shared(rowhouse.fence_lock_key());
    perform rowhouse.check_rollout_fence(fence);
  end if;
  perform pg_advisory_xact_lock(rowhouse.home_lock_key(s.name)) from (select unnest(schemas) as name order by 1) s;
  return query
  select a.schema_name, a.version, a.checksum
  from rowhouse.applied_tenant_migrations a where a.schema_name = any (schemas) and a.version >= since
  order by 1, 2;
end
$$;

-- The last statement: has the login of each home get what the migrations gave to the roles that organizations share, where
-- they gave anything (`settles`); refuses what tenants could reach unprotected; and notes what was applied.
create function rowhouse.end_tenant_migrations(schemas name[], migrations jsonb) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  open_relation text;
  open_function text;
  made record;
  home name;
  settles boolean := coalesce((select bool_or((m ->> 'settles')::boolean) from jsonb_array_elements(migrations) m), false);
  allow_definer boolean := coalesce((select bool_or((m ->> 'allowDefiner')::boolean) from jsonb_array_elements(migrations) m), false);
  allow_unprotected boolean := coalesce((select bool_or((m ->> 'allowUnprotected')::boolean) from jsonb_array_elements(migrations) m), false);
begin
  if settles then
    for home in select s.name from rowhouse.tenant_schemas s where s.name = any (schemas) and s.login is not null loop
      perform rowhouse.settle_home(home);
    end loop;
  end if;
  -- One by one: of a migration that makes no relation nothing more is read.
  for made in
    select r.relation as id
    from unnest(schemas) s (name) join pg_namespace n on n.nspname = s.name cross join lateral rowhouse.relations_of(n.oid) r
    where r.is_new
  loop
    select format('%I', c.relname) into open_relation
    from pg_class c
    where c.oid = made.id and c.relpersistence <> 't' and (
      rowhouse.is_open(c.oid)
      or (not allow_unprotected and c.relkind in ('r', 'p') and not c.relispartition and not rowhouse.is_protected(c.oid)
        and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'rowhouse_shared'))
    );
    exit when found;
  end loop;
  if open_relation is not null then
    raise exception 'The migration leaves % unprotected.', open_relation
      using errcode = 'RH089',
      hint = format('End with select rowhouse.protect(%L), or with rowhouse.share(%L, ''why'') where every organization may read it.',
        open_relation, open_relation);
  end if;
  -- Who migrates is held by no policy, and neither is what runs as them.
  if settles and not allow_definer then
    select p.oid::regprocedure::text into open_function
    from unnest(schemas) s (name)
    join pg_namespace n on n.nspname = s.name
    join pg_depend d
      on d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'n'
    join pg_proc p on p.oid = d.objid
    where p.prosecdef and age(p.xmin) <= 0
      and exists (select from unnest(rowhouse.tenant_roles(n.oid)) r (role) where has_function_privilege(r.role, p.oid, 'execute'))
    order by 1
    limit 1;
    if found then
      raise exception 'The migration lets tenants call %, which runs as who migrates, past row security.', open_function
        using errcode = 'RH090', hint = 'Leave SECURITY DEFINER out, or revoke EXECUTE from public.';
    end if;
  end if;
  insert into rowhouse.applied_tenant_migrations (schema_name, version, name, checksum)
  select s.name, m ->> 'version', m ->> 'name', m ->> 'checksum'
  from unnest(schemas) s (name) cross join jsonb_array_elements(migrations) m;
end
$$;

-- Before an index is built CONCURRENTLY: that commits by itself, and the guard speaks when it is there.
create function rowhouse.check_unique_index(schema_name name, table_name name, first_column name) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  target regclass := to_regclass(format('%I.%I', schema_name, table_name));
begin
  if rowhouse.is_protected(target) and first_column is distinct from 'organization_id' then
    raise exception 'The unique index on % would not begin with organization_id: refused.', table_name
      using errcode = 'RH041', hint = 'Put organization_id first in it.';
  end if;
end
$$;

alter table rowhouse.applied_tenant_migrations enable row level security;
alter table rowhouse.tenant_migrations enable row level security;
alter table rowhouse.rollout_fence enable row level security;
create policy control_reads_it on rowhouse.applied_tenant_migrations for select to rowhouse_control using (true);
create policy control_reads_it on rowhouse.tenant_migrations for select to rowhouse_control using (true);
revoke all on rowhouse.applied_tenant_migrations, rowhouse.tenant_migrations, rowhouse.rollout_fence from public;
grant select on rowhouse.applied_tenant_migrations, rowhouse.tenant_migrations to rowhouse_control;
revoke all on function
  rowhouse.fence_lock_key(), rowhouse.home_lock_key(name), rowhouse.raise_rollout_fence(bigint),
  rowhouse.check_rollout_fence(bigint), rowhouse.check_unique_index(name, name, name), rowhouse.begin_tenant_migrations(name[], bigint, text),
  rowhouse.end_tenant_migrations(name[], jsonb)
  from public;
