-- Invitations, and the organization that a person chose last. A token is shown once, to who makes it; the table keeps its
-- hash. Whoever accepts is sealed as a person, with or without an organization, and must own the address invited.

create table rowhouse.invitations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  email text not null constraint email_has_an_at check (email ~ '^[^@\s]+@[^@\s]+$' and length(email) <= 320),
  role text not null,
  token_hash bytea not null constraint token_is_used_once unique,
  -- The person whose permissions it is given with; null when the application itself or an operator invited.
  invited_by uuid,
  created_at timestamptz not null default now(),
  sent_at timestamptz not null default now(),
  sent_count int not null default 1,
  expires_at timestamptz not null constraint expires_after_sent check (expires_at > sent_at),
  accepted_at timestamptz,
  accepted_by uuid,
  revoked_at timestamptz,
  constraint ends_once check (accepted_at is null or revoked_at is null)
);
create unique index invitation_is_open_once on rowhouse.invitations (organization_id, lower(email))
  where accepted_at is null and revoked_at is null;
create index invitations_by_time on rowhouse.invitations (organization_id, sent_at);

-- What a person chose last; the access token hook puts it into the JWT.
create table rowhouse.active_organizations (
  user_id uuid primary key,
  organization_id uuid not null references rowhouse.organizations (id) on delete cascade,
  updated_at timestamptz not null default now()
);
create index active_organizations_by_organization on rowhouse.active_organizations (organization_id);

-- The address that is known to be the person's own, or null: the identity provider says so.
create function rowhouse.verified_email(person uuid) returns text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select u.email from rowhouse.users u where u.id = person and u.email_verified_at is not null);
end
$$;

-- Whether a member's role includes all that another role of the organization may do. '*' is everything.
create function rowhouse.role_covers(organization uuid, own text, wanted text) returns boolean
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from rowhouse.roles mine, rowhouse.roles theirs
    where mine.name = own and (mine.organization_id is null or mine.organization_id = organization)
      and theirs.name = wanted and (theirs.organization_id is null or theirs.organization_id = organization)
      and ('*' = any (mine.permissions) or mine.permissions @> theirs.permissions)
  );
end
$$;

-- Invites an address to the active organization, or sends the open invitation of that address anew: the older token ends.
-- The token is in the answer and nowhere else. Needs members.manage, and a role that includes the one given.
create function rowhouse.create_invitation(
  email text, role text default 'member', valid_for interval default '7 days',
  out id uuid, out token text, out expires_at timestamptz
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- Also in the catalogue of an organization that lives elsewhere; organization_id() then says why there is none.
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
  address text := trim(create_invitation.email);
  sent int;
begin
  if organization is null then
    raise exception 'Nobody is sealed, so nobody invites.' using errcode = 'RH014';
  end if;
  perform rowhouse.refuse_in_copy(organization);
  if not rowhouse.can('members.manage') then
    raise exception 'The role lacks the permission members.manage.' using errcode = 'RH012';
  end if;
  if (address ~ '^[^@\s]+@[^@\s]+$' and length(address) <= 320) is not true then
    raise exception 'That is no e-mail address.' using errcode = 'RH074', hint = 'Such as ann@example.com.';
  end if;
  if (valid_for > interval '0' and valid_for <= interval '30 days') is not true then
    raise exception 'An invitation is valid for at most 30 days.' using errcode = 'RH074';
  end if;
  if not exists (
    select from rowhouse.roles r
    where r.name = create_invitation.role and (r.organization_id is null or r.organization_id = organization)
  ) then
    raise exception 'The organization has no role named %.', create_invitation.role
      using errcode = 'RH031', hint = 'Built in are owner, admin, member and viewer.';
  end if;
  if rowhouse.actor_kind() = 'user' and not rowhouse.role_covers(organization, rowhouse.role(), create_invitation.role) then
    raise exception 'The role % may do what yours may not.', create_invitation.role
      using errcode = 'RH078', hint = 'Invite to a role whose permissions you have, or ask an owner.';
  end if;
  -- The bound is counted under a lock, so that many at once cannot all be the last one.
  perform pg_advisory_xact_lock(rowhouse.turn_key('invitations ' || organization));
  select coalesce(sum(i.sent_count), 0) into sent
  from rowhouse.invitations i where i.organization_id = organization and i.sent_at > now() - interval '1 day';
  if sent >= 200 then
    raise exception 'The organization has sent 200 invitations within a day.' using errcode = 'RH079';
  end if;
  if exists (
    select from rowhouse.invitations i
    where i.organization_id = organization and lower(i.email) = lower(address) and i.accepted_at is null and i.revoked_at is null
      and i.sent_count >= 10 and i.sent_at > now() - interval '1 day'
  ) then
    raise exception 'The invitation has been sent 10 times.' using errcode = 'RH079';
  end if;
  if exists (
    select from rowhouse.members m
    where m.organization_id = organization and lower(rowhouse.verified_email(m.user_id)) = lower(address)
  ) then
    raise exception 'The person is a member already.' using errcode = 'RH076';
  end if;
  -- Two random uuids are 244 random bits; sha256 only gives them an even form. base64url, for a link.
  token := rtrim(translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '+/', '-_'), '=');
  expires_at := now() + valid_for;
  insert into rowhouse.invitations as i (organization_id, email, role, token_hash, invited_by, expires_at)
  values (organization, address, create_invitation.role, sha256(convert_to(token, 'UTF8')), rowhouse.user_id(), create_invitation.expires_at)
  on conflict (organization_id, lower(email)) where accepted_at is null and revoked_at is null
  do update set role = excluded.role, token_hash = excluded.token_hash, invited_by = excluded.invited_by,
    expires_at = excluded.expires_at, sent_at = now(),
    sent_count = case when i.sent_at > now() - interval '1 day' then i.sent_count + 1 else 1 end
  returning i.id into id;
end
$$;

-- Ends an open invitation of the active organization. Needs members.manage.
create function rowhouse.revoke_invitation(invitation uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := coalesce(rowhouse.active_organization(), rowhouse.organization_id());
begin
  if not rowhouse.can('members.manage') then
    raise exception 'The role lacks the permission members.manage.' using errcode = 'RH012';
  end if;
  update rowhouse.invitations i set revoked_at = now()
  where i.id = invitation and i.organization_id = organization and i.accepted_at is null and i.revoked_at is null;
  if not found then
    raise exception 'There is no open invitation %.', invitation using errcode = 'RH074';
  end if;
end
$$;

-- Makes the sealed person a member of the organization that invited the person's verified address, and returns its id.
-- What the invitation gives is checked again: an inviter who has left, or may no longer give the role, ends it.
create function rowhouse.accept_invitation(token text) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  person uuid := rowhouse.user_id();
  invitation rowhouse.invitations;
begin
  if person is null then
    raise exception 'Nobody is signed in, so nobody can accept.' using errcode = 'RH014', hint = 'Enter as a person, with or without an organization.';
  end if;
  select i.* into invitation from rowhouse.invitations i
  where i.token_hash = sha256(convert_to(coalesce(accept_invitation.token, ''), 'UTF8')) for update;
  if not found or invitation.revoked_at is not null then
    raise exception 'The invitation is unknown, or was revoked.' using errcode = 'RH074', hint = 'Ask for a new one.';
  end if;
  if invitation.accepted_at is not null then
    raise exception 'The invitation has been accepted already.' using errcode = 'RH075';
  end if;
  -- clock_timestamp(), because now() stands still inside a long transaction.
  if invitation.expires_at <= clock_timestamp() then
    raise exception 'The invitation expired at %.', invitation.expires_at using errcode = 'RH074', hint = 'Ask for a new one.';
  end if;
  if (lower(rowhouse.verified_email(person)) = lower(invitation.email)) is not true then
    raise exception 'The invitation is for another e-mail address.'
      using errcode = 'RH077', hint = 'Sign in with the address that was invited, and verify it.';
  end if;
  if exists (select from rowhouse.members m where m.organization_id = invitation.organization_id and m.user_id = person) then
    raise exception 'You are a member of the organization already.' using errcode = 'RH076';
  end if;
  if not exists (select from rowhouse.organizations o where o.id = invitation.organization_id and o.status = 'active') then
    raise exception 'Organization % is suspended.', invitation.organization_id using errcode = 'RH008';
  end if;
  if invitation.invited_by is not null and not exists (
    select from rowhouse.members m
    where m.organization_id = invitation.organization_id and m.user_id = invitation.invited_by
      and rowhouse.role_covers(invitation.organization_id, m.role, invitation.role)
      and exists (
        select from rowhouse.roles r
        where r.name = m.role and (r.organization_id is null or r.organization_id = m.organization_id)
          and r.permissions && '{*,members.manage}'
      )
  ) then
    raise exception 'Whoever sent the invitation may no longer give this role.' using errcode = 'RH074', hint = 'Ask for a new one.';
  end if;
  insert into rowhouse.members (organization_id, user_id, role) values (invitation.organization_id, person, invitation.role);
  update rowhouse.invitations i set accepted_at = now(), accepted_by = person where i.id = invitation.id;
  return invitation.organization_id;
end
$$;

-- Remembers which organization a person works in; the membership is asked for now, and again with every request.
create function rowhouse.remember_organization(person uuid, organization uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from rowhouse.members m join rowhouse.organizations o on o.id = m.organization_id and o.status = 'active'
    where m.user_id = person and m.organization_id = organization
  ) then
    raise exception 'User % is not a member of organization %.', person, organization using errcode = 'RH011';
  end if;
  insert into rowhouse.active_organizations as a (user_id, organization_id) values (person, organization)
  on conflict (user_id) do update set organization_id = excluded.organization_id, updated_at = now();
end
$$;

-- The sealed person chooses an organization; the next access token names it.
create function rowhouse.switch_organization(organization uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowhouse.user_id() is null then
    raise exception 'Nobody is signed in, so nobody can choose.' using errcode = 'RH014';
  end if;
  perform rowhouse.remember_organization(rowhouse.user_id(), organization);
end
$$;

-- The same for anybody, from a server: requests of anon and authenticated may not call it.
create function rowhouse.set_user_tenant(user_id uuid, tenant_id uuid) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.remember_organization(user_id, tenant_id);
end
$$;

-- accept_invitation() under the name that applications know.
create function rowhouse.accept_invite(invite_token text) returns uuid
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return rowhouse.accept_invitation(invite_token);
end
$$;

alter table rowhouse.invitations enable row level security;
alter table rowhouse.active_organizations enable row level security;
create policy control_keeps_it on rowhouse.invitations to rowhouse_control using (true) with check (true);
create policy own_organization on rowhouse.invitations for select to rowhouse_app, authenticated, service_role
  using (
    organization_id = (select coalesce(rowhouse.active_organization(), rowhouse.organization_id()))
    and organization_id operator(rowhouse.===) (select coalesce(rowhouse.active_organization(), rowhouse.organization_id()))
    and (select rowhouse.can('members.read'))
  );
create policy own_choice on rowhouse.active_organizations for select to rowhouse_app, authenticated, service_role
  using (user_id = (select rowhouse.user_id()) and user_id operator(rowhouse.===) (select rowhouse.user_id()));

revoke all on rowhouse.invitations, rowhouse.active_organizations from public;
-- Not the hash: who reads the list can do nothing with it.
grant select (
  id, organization_id, email, role, invited_by, created_at, sent_at, sent_count, expires_at, accepted_at, accepted_by, revoked_at
) on rowhouse.invitations to rowhouse_app, rowhouse_control, authenticated, service_role;
grant select on rowhouse.active_organizations to rowhouse_app, authenticated, service_role;

revoke all on function
  rowhouse.verified_email(uuid), rowhouse.role_covers(uuid, text, text), rowhouse.create_invitation(text, text, interval),
  rowhouse.revoke_invitation(uuid), rowhouse.accept_invitation(text), rowhouse.remember_organization(uuid, uuid),
  rowhouse.switch_organization(uuid), rowhouse.set_user_tenant(uuid, uuid), rowhouse.accept_invite(text)
  from public;
grant execute on function
  rowhouse.create_invitation(text, text, interval), rowhouse.revoke_invitation(uuid), rowhouse.accept_invitation(text),
  rowhouse.switch_organization(uuid), rowhouse.accept_invite(text)
  to rowhouse_app, authenticated, service_role;
grant execute on function rowhouse.set_user_tenant(uuid, uuid) to rowhouse_control, service_role;
