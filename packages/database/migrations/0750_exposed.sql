-- What supabase-js reaches of the catalogue: views and functions in a schema that PostgREST exposes, under the names that
-- applications know. The views read as whoever asks; PostgREST embeds through them, because it follows a foreign key to
-- the columns a view takes from its table.

-- insert into organization_invites invites, and RETURNING (select() in supabase-js) gives the token, this once.
create function rowhouse.invite_through_view() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  made record;
begin
  if new.organization_id is not null and new.organization_id is distinct from rowhouse.organization_id() then
    raise exception 'Organization % is not the active one.', new.organization_id
      using errcode = 'RH015', hint = 'Send its id as the header x-organization-id.';
  end if;
  select * into made from rowhouse.create_invitation(
    new.email, coalesce(new.role, 'member'),
    case when new.expires_at is null then interval '7 days' else new.expires_at - now() end);
  new.id := made.id;
  new.organization_id := rowhouse.organization_id();
  new.role := coalesce(new.role, 'member');
  new.token := made.token;
  new.expires_at := made.expires_at;
  new.created_at := now();
  return new;
end
$$;

create function rowhouse.revoke_through_view() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.revoke_invitation(old.id);
  return old;
end
$$;

-- Makes the views organizations, organization_members and organization_invites, and the functions that are called by name
-- (supabase.rpc), in a schema that PostgREST exposes. Run it as the login that migrates; again, it replaces its own.
create function rowhouse.expose_organizations(target regnamespace default 'public') returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  taken text;
  made text;
begin
  select c.oid::regclass::text into taken
  from pg_class c
  where c.relnamespace = target and c.relname in ('organizations', 'organization_members', 'organization_invites')
    and not (c.relkind = 'v' and coalesce(c.reloptions && '{security_invoker=true}', false));
  if taken is null then
    select p.oid::regprocedure::text into taken
    from pg_proc p
    where p.pronamespace = target
      and p.proname in ('is_org_member', 'is_org_admin', 'get_user_organizations', 'accept_invite', 'switch_organization')
      and p.prosrc !~ 'rowhouse\.';
  end if;
  if taken is not null then
    raise exception 'There is another % already.', taken
      using errcode = 'RH034', hint = 'Rename it, or name a schema of your own.';
  end if;
  execute format('create or replace view %s.organizations with (security_invoker = true) as
    select id, slug, name, plan, status, created_at, updated_at from rowhouse.organizations', target);
  execute format('create or replace view %s.organization_members with (security_invoker = true) as
    select m.organization_id, m.user_id, m.role, u.email, u.name, m.created_at
    from rowhouse.members m left join rowhouse.users u on u.id = m.user_id', target);
  execute format('create or replace view %s.organization_invites with (security_invoker = true) as
    select i.id, i.organization_id, i.email, i.role, null::text as token, i.expires_at, i.created_at
    from rowhouse.invitations i where i.accepted_at is null and i.revoked_at is null', target);
  execute format('create or replace trigger invite instead of insert on %s.organization_invites
    for each row execute function rowhouse.invite_through_view()', target);
  execute format('create or replace trigger revoke instead of delete on %s.organization_invites
    for each row execute function rowhouse.revoke_through_view()', target);
  execute format('revoke all on %1$s.organizations, %1$s.organization_members, %1$s.organization_invites
    from public, anon, authenticated, service_role', target);
  execute format('grant select on %1$s.organizations, %1$s.organization_members, %1$s.organization_invites
    to rowhouse_app, authenticated, service_role', target);
  execute format('grant insert, delete on %s.organization_invites to rowhouse_app, authenticated, service_role', target);

  foreach made in array array[
    'is_org_member(org_id uuid) returns boolean stable|return rowhouse.is_org_member(org_id)',
    'is_org_admin(org_id uuid) returns boolean stable|return rowhouse.is_org_admin(org_id)',
    'get_user_organizations() returns setof uuid stable|return query select * from rowhouse.get_user_organizations()',
    'accept_invite(invite_token text) returns uuid volatile|return rowhouse.accept_invitation(invite_token)',
    'switch_organization(organization_id uuid) returns void volatile|perform rowhouse.switch_organization(organization_id)'
  ] loop
    execute format('create or replace function %s.%s language plpgsql set search_path = pg_catalog, pg_temp as %L',
      target, split_part(made, '|', 1), 'begin ' || split_part(made, '|', 2) || '; end');
    -- The name with the types of the arguments: without names and result.
    made := format('%s.%s', target, regexp_replace(split_part(made, ' returns ', 1), '\(\w+ ', '('));
    execute format('revoke all on function %s from public, anon, authenticated, service_role', made);
    execute format('grant execute on function %s to rowhouse_app, authenticated, service_role', made);
  end loop;
end
$$;

revoke all on function
  rowhouse.expose_organizations(regnamespace), rowhouse.invite_through_view(), rowhouse.revoke_through_view() from public;
