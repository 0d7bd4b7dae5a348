-- The catalogue: organizations, who belongs to them, what they may do, and where they live.
-- No tenant's data is kept here.

create table rowhouse.plans (
  id text primary key constraint plan_id_is_a_slug check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  isolation text not null default 'shared'
    constraint isolation_is_a_model check (isolation in ('shared', 'schema', 'database')),
  created_at timestamptz not null default now()
);

insert into rowhouse.plans (id, name) values ('standard', 'Standard');

create table rowhouse.organizations (
  id uuid primary key default gen_random_uuid(),
  slug text not null
    constraint slug_is_taken_once unique
    constraint slug_is_a_dns_label check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text not null constraint name_is_not_blank check (name ~ '\S' and length(name) <= 200),
  plan text not null default 'standard' references rowhouse.plans (id),
  status text not null default 'active'
    constraint status_is_known check (status in ('active', 'suspended')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- People, as the identity provider last described them; 0009_users.sql feeds it. Tenants' rows refer to it, so a person
-- who is gone stays as a row without e-mail and name: rowhouse.forget_user().
create table rowhouse.users (
  id uuid primary key,
  email text,
  -- When the provider learned that the address is the person's own; an invitation to it can be accepted then.
  email_verified_at timestamptz,
  name text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint who_is_deleted_has_no_name check (deleted_at is null or (email is null and name is null))
);

-- Built-in roles have no organization; a role of an organization is seen and given there only.
create table rowhouse.roles (
  organization_id uuid references rowhouse.organizations (id) on delete cascade,
  name text not null constraint role_name_is_a_slug check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  permissions text[] not null,
  created_at timestamptz not null default now(),
  constraint role_is_named_once unique nulls not distinct (organization_id, name),
  -- Those are lines of rowhouse.connection_grants, where they can be listed and go with the connection.
  constraint one_connection_is_granted_elsewhere check (permissions::text !~ 'connections[.](read|manage):')
);

insert into rowhouse.roles (name, permissions) values
  ('owner', '{*}'),
  ('admin', '{organization.read,organization.manage,members.read,members.manage,roles.manage,connections.read,connections.manage,activity.read,data.read,data.write,data.manage}'),
  ('member', '{organization.read,members.read,connections.read,activity.read,data.read,data.write}'),
  ('viewer', '{organization.read,members.read,connections.read,activity.read,data.read}');

create table rowhouse.members (
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  user_id uuid not null references rowhouse.users (id) on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index members_by_user on rowhouse.members (user_id);
create index members_by_role on rowhouse.members (organization_id, role);

-- A member may be named before the person first signs in; the row is then filled.
create function rowhouse.name_user() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rowhouse.users (id) values (new.user_id) on conflict (id) do nothing;
  return new;
end
$$;
create trigger name_user before insert or update of user_id on rowhouse.members
  for each row execute function rowhouse.name_user();

-- A role is built in or of the same organization, so no foreign key can say it.
create function rowhouse.check_member_role() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from rowhouse.roles r
    where r.name = new.role and (r.organization_id is null or r.organization_id = new.organization_id)
    for key share
  ) then
    raise exception 'The organization has no role named %.', new.role
      using errcode = 'RH031', hint = 'Built in are owner, admin, member and viewer.';
  end if;
  return new;
end
$$;
create trigger check_member_role before insert or update of role, organization_id on rowhouse.members
  for each row execute function rowhouse.check_member_role();

-- A built-in name cannot be redefined, and a role that somebody has cannot vanish.
create function rowhouse.check_role() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and (new.name, new.organization_id) is distinct from (old.name, old.organization_id)) then
    if new.organization_id is not null
      and exists (select from rowhouse.roles r where r.organization_id is null and r.name = new.name)
    then
      raise exception 'The role % is built in.', new.name using errcode = 'RH032', hint = 'Choose another name.';
    end if;
  end if;
  if tg_op <> 'INSERT' and old.organization_id is null then
    raise exception 'The role % is built in.', old.name
      using errcode = 'RH032', hint = 'Add a role of the organization instead.';
  end if;
  if (tg_op = 'DELETE' or (tg_op = 'UPDATE' and new.name <> old.name))
    and exists (select from rowhouse.members m where m.organization_id = old.organization_id and m.role = old.name)
    -- When the organization itself goes, its members go with it.
    and exists (select from rowhouse.organizations o where o.id = old.organization_id)
  then
    raise exception 'Members have the role %.', old.name
      using errcode = 'RH032', hint = 'Give them another role first.';
  end if;
  return coalesce(new, old);
end
$$;
create trigger check_role before insert or update or delete on rowhouse.roles
  for each row execute function rowhouse.check_role();

-- Where an organization lives. `epoch` grows with every move, `state` is the fence: a committed row, so a
-- mover that dies leaves it standing.
create table rowhouse.placements (
  organization_id uuid primary key references rowhouse.organizations (id) on delete cascade,
  cluster text not null default 'main',
  database_name text,
  schema_name text,
  isolation text not null default 'shared'
    constraint isolation_is_a_model check (isolation in ('shared', 'schema', 'database')),
  epoch bigint not null default 1 constraint epoch_is_positive check (epoch > 0),
  state text not null default 'active'
    constraint state_is_known check (state in ('active', 'moving', 'moved')),
  updated_at timestamptz not null default now()
);

-- The connections of an organization to its CRM accounts; the sync engine enters as one of them.
create table rowhouse.connections (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  created_at timestamptz not null default now(),
  constraint connection_is_of_one_organization unique (organization_id, id)
);

create function rowhouse.connection_belongs(organization uuid, connection uuid) returns boolean
  language sql stable strict security definer
  set search_path = pg_catalog, pg_temp
as $$
  select exists (select from rowhouse.connections c where c.id = connection and c.organization_id = organization)
$$;

-- Creates an organization with its placement and, when owner_id is given, its first member. For a plan of a home of its own
-- it moves into a warm one, whose id it gets: its tables were bound to that from the start. Where none is ready it is
-- 'placing', and nobody enters, until it has a home. Refuses where the plan leads to no cluster: 0811_provisioning.sql.
create function rowhouse.create_organization(name text, slug text, owner_id uuid, plan text default null)
  returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := gen_random_uuid();
  plan_id text := coalesce(create_organization.plan, 'standard');
  model text;
  home uuid;
begin
  select p.isolation into model from rowhouse.plans p where p.id = plan_id;
  if not found then
    raise exception 'There is no plan named %.', create_organization.plan using errcode = 'RH033';
  end if;
  home := rowhouse.claim_home(plan_id);
  if home is not null and model <> 'shared' then
    organization := home;
  end if;
  begin
    insert into rowhouse.organizations (id, name, slug, plan)
    values (organization, create_organization.name, create_organization.slug, plan_id);
  exception when unique_violation then
    raise exception 'Another organization has the slug %.', create_organization.slug
      using errcode = 'RH030', hint = 'Choose another slug.';
  end;
  perform rowhouse.place_organization(organization, home);
  if owner_id is not null then
    insert into rowhouse.members (organization_id, user_id, role) values (organization, owner_id, 'owner');
  end if;
  return organization;
end
$$;

-- Takes the lock exclusively before the change, so that when this commits no request of the organization
-- is under way that was let in before it.
create function rowhouse.set_organization_status(organization uuid, status text)
  returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '10s'
as $$
begin
  perform pg_advisory_xact_lock(rowhouse.lock_key(organization));
  update rowhouse.organizations o
  set status = set_organization_status.status, updated_at = now()
  where o.id = organization;
  if not found then
    raise exception 'No organization has the id %.', organization using errcode = 'RH007';
  end if;
exception when lock_not_available then
  raise exception 'A transaction of organization % has run for more than 10 s.', organization
    using errcode = 'RH010', hint = 'Try again when it has ended.';
end
$$;
