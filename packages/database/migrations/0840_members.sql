-- Members of the active organization: another role, or out. Nobody gives or takes what is above their own role, and an
-- organization keeps somebody who may do everything.

-- Whether a role includes every permission.
create function rowhouse.is_owning_role(organization uuid, role text) returns boolean
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from rowhouse.roles r
    where r.name = is_owning_role.role and (r.organization_id is null or r.organization_id = organization)
      and '*' = any (r.permissions)
  );
end
$$;

-- Begins a change of one member: the role that the member has. Until the transaction ends nobody else changes members here,
-- so two owners cannot take each other's role at the same time. What the caller may is asked anew behind that lock: the seal
-- knows the role of the moment it was made.
create function rowhouse.begin_member_change(organization uuid, member uuid, out held text, out own text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if organization is null then
    raise exception 'Nobody is sealed, so nobody changes members.' using errcode = 'RH014';
  end if;
  perform rowhouse.refuse_in_copy(organization);
  perform from rowhouse.organizations o where o.id = organization for no key update;
  if rowhouse.actor_kind() = 'user' then
    select m.role into own from rowhouse.members m
    where m.organization_id = organization and m.user_id = rowhouse.user_id();
  end if;
  -- Leaving is everybody's own affair.
  if (member = rowhouse.user_id()) is not true and (
    not rowhouse.can('members.manage')
    or (rowhouse.actor_kind() = 'user' and not exists (
      select from rowhouse.roles r
      where r.name = own and (r.organization_id is null or r.organization_id = organization)
        and r.permissions && '{*,members.manage}'
    ))
  ) then
    raise exception 'The role lacks the permission members.manage.' using errcode = 'RH012';
  end if;
  select m.role into held from rowhouse.members m where m.organization_id = organization and m.user_id = member;
  if not found then
    raise exception 'User % is no member of the organization.', member using errcode = 'RH039';
  end if;
  if rowhouse.actor_kind() = 'user' and not rowhouse.role_covers(organization, own, held) then
    raise exception 'The member has the role %, which may do what yours may not.', held
      using errcode = 'RH078', hint = 'Ask an owner.';
  end if;
end
$$;

-- Refuses what would leave nobody who may do everything.
create function rowhouse.keep_an_owner(organization uuid, leaving uuid) returns void
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from rowhouse.members m
    where m.organization_id = organization and m.user_id <> leaving and rowhouse.is_owning_role(organization, m.role)
  ) then
    raise exception 'User % is the last owner of the organization.', leaving
      using errcode = 'RH069', hint = 'Make somebody else an owner first.';
  end if;
end
$$;

-- Gives a member of the active organization another role. Needs members.manage and, of a person, a role that includes both the
-- one the member has and the one it gets.
create function rowhouse.set_member_role(member uuid, role text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
  held text;
  own text;
begin
  select c.held, c.own into held, own from rowhouse.begin_member_change(organization, member) c;
  if not rowhouse.can('members.manage') then
    raise exception 'The role lacks the permission members.manage.' using errcode = 'RH012';
  end if;
  if not exists (
    select from rowhouse.roles r
    where r.name = set_member_role.role and (r.organization_id is null or r.organization_id = organization)
  ) then
    raise exception 'The organization has no role named %.', set_member_role.role
      using errcode = 'RH031', hint = 'Built in are owner, admin, member and viewer.';
  end if;
  if rowhouse.actor_kind() = 'user' and not rowhouse.role_covers(organization, own, set_member_role.role) then
    raise exception 'The role % may do what yours may not.', set_member_role.role
      using errcode = 'RH078', hint = 'Give a role whose permissions you have, or ask an owner.';
  end if;
  if rowhouse.is_owning_role(organization, held) and not rowhouse.is_owning_role(organization, set_member_role.role) then
    perform rowhouse.keep_an_owner(organization, member);
  end if;
  update rowhouse.members m set role = set_member_role.role
  where m.organization_id = organization and m.user_id = member and m.role <> set_member_role.role;
end
$$;

-- Ends a membership of the active organization. Needs members.manage and, of a person, a role that includes the member's; of
-- oneself nothing.
create function rowhouse.remove_member(member uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
  held text;
begin
  select c.held into held from rowhouse.begin_member_change(organization, member) c;
  if rowhouse.is_owning_role(organization, held) then
    perform rowhouse.keep_an_owner(organization, member);
  end if;
  delete from rowhouse.active_organizations a where a.user_id = member and a.organization_id = organization;
  delete from rowhouse.members m where m.organization_id = organization and m.user_id = member;
end
$$;

revoke all on function
  rowhouse.is_owning_role(uuid, text), rowhouse.begin_member_change(uuid, uuid), rowhouse.keep_an_owner(uuid, uuid),
  rowhouse.set_member_role(uuid, text), rowhouse.remove_member(uuid)
  from public;
grant execute on function rowhouse.set_member_role(uuid, text), rowhouse.remove_member(uuid)
  to rowhouse_app, authenticated, service_role;
