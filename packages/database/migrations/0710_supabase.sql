-- What Supabase users expect beside the door: organizations that supabase-js can list, and the organization in the JWT.

-- Supabase Auth calls it for every access token it makes. It writes app_metadata, which users cannot: organization_id (and
-- the same as tenant_id, which many policies read), organization_role and organization_plan of the organization that the
-- person chose last (switch_organization, set_user_tenant, else app_metadata), or of the only one there is; of none, when
-- the choice is open or the membership has ended. The claims save a request; pre_request() checks them again each time.
-- Event and answer: https://supabase.com/docs/guides/auth/auth-hooks/custom-access-token-hook
create function rowhouse.custom_access_token_hook(event jsonb) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  metadata jsonb := case when jsonb_typeof(event -> 'claims' -> 'app_metadata') = 'object'
    then event -> 'claims' -> 'app_metadata' else '{}' end;
  membership record;
  chosen text;
begin
  if (jsonb_typeof(event -> 'claims') = 'object'
    and event ->> 'user_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') is not true
  then
    raise exception 'The event is not one of a custom access token hook.' using errcode = 'RH019';
  end if;
  chosen := coalesce(
    (select a.organization_id::text from rowhouse.active_organizations a where a.user_id = (event ->> 'user_id')::uuid),
    metadata ->> 'organization_id', metadata ->> 'tenant_id');
  select m.organization_id, m.role, o.plan, count(*) over () as memberships
  into membership
  from rowhouse.members m
  join rowhouse.organizations o on o.id = m.organization_id and o.status = 'active'
  where m.user_id = (event ->> 'user_id')::uuid
  order by (m.organization_id::text = chosen) desc nulls last
  limit 1;
  metadata := metadata - '{organization_id,tenant_id,organization_role,organization_plan}'::text[];
  if membership.memberships = 1
    or membership.organization_id::text = chosen
  then
    metadata := metadata || jsonb_build_object(
      'organization_id', membership.organization_id,
      'tenant_id', membership.organization_id,
      'organization_role', membership.role,
      'organization_plan', membership.plan
    );
  end if;
  return jsonb_set(event, '{claims,app_metadata}', metadata);
end
$$;

revoke all on function rowhouse.custom_access_token_hook(jsonb) from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'supabase_auth_admin') then
    grant usage on schema rowhouse to supabase_auth_admin;
    grant execute on function rowhouse.custom_access_token_hook(jsonb) to supabase_auth_admin;
  end if;
end
$$;
