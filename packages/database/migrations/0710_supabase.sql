-- What Supabase users expect beside the door: organizations that supabase-js can list, and the organization in the JWT.

-- Supabase Auth calls it for every access token it makes. It writes app_metadata, which users cannot: organization_id,
-- organization_role and organization_plan of the organization that the user last chose (auth.users.raw_app_meta_data),
-- or of the only one there is; of none, when the choice is open or the membership has ended. The claims save a request;
-- what they say is checked again by pre_request() each time.
-- Event and answer: https://supabase.com/docs/guides/auth/auth-hooks/custom-access-token-hook
create function rowhouse.custom_access_token_hook(event jsonb) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  metadata jsonb := case when jsonb_typeof(event -> 'claims' -> 'app_metadata') = 'object'
    then event -> 'claims' -> 'app_metadata' else '{}' end;
  membership record;
begin
  if (jsonb_typeof(event -> 'claims') = 'object'
    and event ->> 'user_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') is not true
  then
    raise exception 'The event is not one of a custom access token hook.' using errcode = 'RH019';
  end if;
  select m.organization_id, m.role, o.plan, count(*) over () as memberships
  into membership
  from rowhouse.members m
  join rowhouse.organizations o on o.id = m.organization_id and o.status = 'active'
  where m.user_id = (event ->> 'user_id')::uuid
  order by (m.organization_id::text = metadata ->> 'organization_id') desc nulls last
  limit 1;
  metadata := metadata - '{organization_id,organization_role,organization_plan}'::text[];
  if membership.memberships = 1
    or membership.organization_id::text = event -> 'claims' -> 'app_metadata' ->> 'organization_id'
  then
    metadata := metadata || jsonb_build_object(
      'organization_id', membership.organization_id,
      'organization_role', membership.role,
      'organization_plan', membership.plan
    );
  end if;
  return jsonb_set(event, '{claims,app_metadata}', metadata);
end
$$;

-- Makes the views organizations and organization_members in a schema that PostgREST exposes. They read as whoever asks:
-- the active organization, or without one those that the person belongs to. Run it as the login that migrates.
create function rowhouse.expose_organizations(target regnamespace default 'public') returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  taken text;
begin
  select c.oid::regclass::text into taken
  from pg_class c
  where c.relnamespace = target and c.relname in ('organizations', 'organization_members')
    and not (c.relkind = 'v' and coalesce(c.reloptions && '{security_invoker=true}', false));
  if taken is not null then
    raise exception 'There is another % already.', taken
      using errcode = 'RH034', hint = 'Rename it, or name a schema of your own.';
  end if;
  execute format('create or replace view %s.organizations with (security_invoker = true) as
    select id, slug, name, plan, status, created_at, updated_at from rowhouse.organizations', target);
  execute format('create or replace view %s.organization_members with (security_invoker = true) as
    select m.organization_id, m.user_id, m.role, u.email, u.name, m.created_at
    from rowhouse.members m left join rowhouse.users u on u.id = m.user_id', target);
  execute format('revoke all on %1$s.organizations, %1$s.organization_members from public, anon, authenticated, service_role', target);
  execute format('grant select on %1$s.organizations, %1$s.organization_members to rowhouse_app, authenticated, service_role', target);
end
$$;

revoke all on function rowhouse.custom_access_token_hook(jsonb), rowhouse.expose_organizations(regnamespace) from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'supabase_auth_admin') then
    grant usage on schema rowhouse to supabase_auth_admin;
    grant execute on function rowhouse.custom_access_token_hook(jsonb) to supabase_auth_admin;
  end if;
end
$$;
