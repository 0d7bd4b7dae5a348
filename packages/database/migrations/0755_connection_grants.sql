-- Who may see or manage one connection: besides whoever's role has connections.read or connections.manage for all of them.
-- Granted to everybody with a role, or to one member. rowhouse.can('connections.manage:<id>') asks for it.

create table rowhouse.connection_grants (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  connection_id uuid not null,
  -- Who manages it also sees it.
  permission text not null
    constraint grant_is_of_a_connection check (permission in ('connections.read', 'connections.manage')),
  role text,
  user_id uuid,
  -- Null when the application itself or an operator granted it.
  granted_by uuid,
  created_at timestamptz not null default now(),
  constraint granted_to_a_role_or_a_member check ((role is null) <> (user_id is null)),
  constraint is_granted_once unique nulls not distinct (connection_id, permission, role, user_id),
  constraint grant_is_of_the_own_connection
    foreign key (organization_id, connection_id) references rowhouse.connections (organization_id, id) on delete cascade,
  constraint grant_is_to_a_member
    foreign key (organization_id, user_id) references rowhouse.members (organization_id, user_id) on delete cascade
);
create index connection_grants_by_member on rowhouse.connection_grants (organization_id, user_id);
create index connection_grants_by_connection on rowhouse.connection_grants (organization_id, connection_id);

-- The part of can() that is about one connection. False for any other word.
create function rowhouse.can_connection(organization uuid, person uuid, own_role text, permission text) returns boolean
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
declare
  word constant text := split_part(permission, ':', 1);
  named constant text := substr(permission, length(word) + 2);
  enough constant text[] := case word
    when 'connections.read' then '{connections.read,connections.manage}'
    when 'connections.manage' then '{connections.manage}'
  end;
begin
  if (enough is not null and named ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') is not true then
    return false;
  end if;
  return exists (
    select from rowhouse.roles r
    where r.name = own_role and (r.organization_id is null or r.organization_id = organization) and r.permissions && enough
  ) or exists (
    select from rowhouse.connection_grants g
    where g.organization_id = organization and g.connection_id = named::uuid and g.permission = any (enough)
      and (g.user_id = person or g.role = own_role)
  );
end
$$;

-- The connections of the active organization that the actor has a permission for.
create function rowhouse.permitted_connections(permission text) returns setof uuid
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
  every constant boolean := rowhouse.can(permission);
begin
  return query
    select c.id from rowhouse.connections c
    where c.organization_id = organization and (every or rowhouse.can(permission || ':' || c.id));
end
$$;

-- What the sealed person was granted in an organization they belong to, as words that can() answers.
create function rowhouse.granted_connections(organization uuid) returns text[]
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select distinct g.permission || ':' || g.connection_id
    from rowhouse.members m
    join rowhouse.connection_grants g
      on g.organization_id = m.organization_id and (g.user_id = m.user_id or g.role = m.role)
    where m.organization_id = granted_connections.organization and m.user_id = rowhouse.user_id()
    order by 1
  );
end
$$;

-- Grants one connection of the active organization. Needs roles.manage, and of a person the permission itself. Again, it
-- finds what is there. Returns the id.
create function rowhouse.grant_connection(
  connection uuid, permission text, to_role text default null, to_member uuid default null
) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
  made uuid;
begin
  if not rowhouse.can('roles.manage') then
    raise exception 'The role lacks the permission roles.manage.' using errcode = 'RH012';
  end if;
  if rowhouse.connection_belongs(organization, connection) is not true then
    raise exception 'The organization has no connection %.', connection using errcode = 'RH013';
  end if;
  if (permission in ('connections.read', 'connections.manage')) is not true then
    raise exception 'Of one connection connections.read or connections.manage is granted, not %.', permission
      using errcode = 'RH038';
  end if;
  if (to_role is null) = (to_member is null) then
    raise exception 'A connection is granted to a role or to a member.' using errcode = 'RH038';
  end if;
  -- Nobody gives what they have not; a role with roles.manage alone would else give itself everything.
  if not rowhouse.can(permission || ':' || connection) then
    raise exception 'You have not the permission % of this connection.', permission using errcode = 'RH078';
  end if;
  if to_role is not null and not exists (
    select from rowhouse.roles r where r.name = to_role and (r.organization_id is null or r.organization_id = organization)
  ) then
    raise exception 'The organization has no role named %.', to_role
      using errcode = 'RH031', hint = 'Built in are owner, admin, member and viewer.';
  end if;
  if to_member is not null and not exists (
    select from rowhouse.members m where m.organization_id = organization and m.user_id = to_member
  ) then
    raise exception 'User % is no member of the organization.', to_member using errcode = 'RH039';
  end if;
  insert into rowhouse.connection_grants as g (organization_id, connection_id, permission, role, user_id, granted_by)
  values (organization, connection, grant_connection.permission, to_role, to_member, rowhouse.user_id())
  on conflict on constraint is_granted_once do update set permission = excluded.permission
  returning g.id into made;
  return made;
end
$$;

-- Takes a grant of the active organization back. Needs roles.manage.
create function rowhouse.revoke_connection(connection uuid, given uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
begin
  if not rowhouse.can('roles.manage') then
    raise exception 'The role lacks the permission roles.manage.' using errcode = 'RH012';
  end if;
  delete from rowhouse.connection_grants g
  where g.id = given and g.connection_id = connection and g.organization_id = organization;
  if not found then
    raise exception 'The connection has no grant %.', given using errcode = 'RH037';
  end if;
end
$$;

-- Makes a role of the active organization, or gives it other permissions. Needs roles.manage, and of a person every
-- permission that the role has or gets.
create function rowhouse.set_role(role text, permissions text[]) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
  wanted constant text[] := array(select distinct p from unnest(set_role.permissions) p order by 1);
  held text[];
  own text[];
begin
  -- What somebody may and who owns the organization is asked behind the lock that members are changed by: the seal knows the
  -- role of the moment it was made, and of two owners one may be leaving.
  perform from rowhouse.organizations o where o.id = organization for no key update;
  if not rowhouse.can('roles.manage') then
    raise exception 'The role lacks the permission roles.manage.' using errcode = 'RH012';
  end if;
  if set_role.permissions is null or cardinality(wanted) > 200
    or exists (select from unnest(wanted) p where (p ~ '^([*]|[a-z][a-z0-9_.:-]{0,99})$') is not true)
    or exists (select from unnest(wanted) p where p ~ '^connections[.](read|manage):')
    or (set_role.role ~ '^[a-z][a-z0-9_-]{0,62}$') is not true
  then
    raise exception 'The name or a permission of the role is not valid.'
      using errcode = 'RH038', hint = 'Words such as data.read, at most 200; one connection is granted with grant_connection().';
  end if;
  select r.permissions into held from rowhouse.roles r where r.organization_id = organization and r.name = set_role.role;
  if rowhouse.actor_kind() = 'user' then
    select r.permissions into own
    from rowhouse.members m
    join rowhouse.roles r on r.name = m.role and (r.organization_id is null or r.organization_id = m.organization_id)
    where m.organization_id = organization and m.user_id = rowhouse.user_id();
    if (own && '{*,roles.manage}') is not true then
      raise exception 'The role lacks the permission roles.manage.' using errcode = 'RH012';
    end if;
    if ('*' = any (own) or own @> (wanted || coalesce(held, '{}'))) is not true then
      raise exception 'The role % may do what yours may not.', set_role.role using errcode = 'RH078';
    end if;
  end if;
  if '*' = any (held) and not '*' = any (wanted)
    and exists (select from rowhouse.members m where m.organization_id = organization and m.role = set_role.role)
    and not exists (
      select from rowhouse.members m
      where m.organization_id = organization and m.role <> set_role.role and rowhouse.is_owning_role(organization, m.role)
    )
  then
    raise exception 'Whoever owns the organization does so by the role %.', set_role.role
      using errcode = 'RH069', hint = 'Make somebody else an owner first.';
  end if;
  insert into rowhouse.roles as r (organization_id, name, permissions) values (organization, set_role.role, wanted)
  on conflict on constraint role_is_named_once do update set permissions = excluded.permissions;
end
$$;

-- Removes a role of the active organization that nobody has. Needs roles.manage.
create function rowhouse.remove_role(role text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
begin
  if not rowhouse.can('roles.manage') then
    raise exception 'The role lacks the permission roles.manage.' using errcode = 'RH012';
  end if;
  if exists (select from rowhouse.roles r where r.organization_id is null and r.name = remove_role.role) then
    raise exception 'The role % is built in.', remove_role.role using errcode = 'RH032';
  end if;
  delete from rowhouse.roles r where r.organization_id = organization and r.name = remove_role.role;
  if not found then
    raise exception 'The organization has no role named %.', remove_role.role using errcode = 'RH031';
  end if;
end
$$;

-- What was granted to a role goes with it, and not to another one that gets its name.
create function rowhouse.forget_grants_of_role() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' or new.name <> old.name then
    delete from rowhouse.connection_grants g where g.organization_id = old.organization_id and g.role = old.name;
  end if;
  return null;
end
$$;
create trigger forget_grants_of_role after update or delete on rowhouse.roles
  for each row execute function rowhouse.forget_grants_of_role();

alter table rowhouse.connection_grants enable row level security;
create policy control_keeps_it on rowhouse.connection_grants to rowhouse_control using (true) with check (true);
create policy own_organization on rowhouse.connection_grants for select to rowhouse_app, authenticated, service_role
  using (
    organization_id = (select coalesce(rowhouse.active_organization(), rowhouse.organization_id()))
    and organization_id operator(rowhouse.===) (select coalesce(rowhouse.active_organization(), rowhouse.organization_id()))
    and (select rowhouse.can('members.read'))
  );

revoke all on rowhouse.connection_grants from public;
grant select on rowhouse.connection_grants to rowhouse_app, rowhouse_control, authenticated, service_role;

revoke all on function
  rowhouse.can_connection(uuid, uuid, text, text), rowhouse.permitted_connections(text), rowhouse.granted_connections(uuid),
  rowhouse.grant_connection(uuid, text, text, uuid), rowhouse.revoke_connection(uuid, uuid),
  rowhouse.set_role(text, text[]), rowhouse.remove_role(text), rowhouse.forget_grants_of_role()
  from public;
grant execute on function
  rowhouse.permitted_connections(text), rowhouse.granted_connections(uuid),
  rowhouse.grant_connection(uuid, text, text, uuid), rowhouse.revoke_connection(uuid, uuid),
  rowhouse.set_role(text, text[]), rowhouse.remove_role(text)
  to rowhouse_app, authenticated, service_role;
