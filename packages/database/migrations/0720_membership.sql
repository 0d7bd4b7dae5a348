-- Questions that policies and functions of Supabase applications ask under these names, answered for the person who is
-- sealed. They are for tables and functions that rowhouse.protect() does not cover, such as Storage-like tables keyed by an
-- organization other than the active one: a protected table needs none of them.

create function rowhouse.is_org_member(organization uuid) returns boolean
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from rowhouse.members m
    where m.organization_id = organization and m.user_id = (select rowhouse.user_id())
  );
end
$$;

-- Whether the person may manage the organization: by the permission, so that a role of the organization counts as well.
create function rowhouse.is_org_admin(organization uuid) returns boolean
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from rowhouse.members m
    join rowhouse.roles r
      on r.name = m.role and (r.organization_id is null or r.organization_id = m.organization_id)
    where m.organization_id = organization and m.user_id = (select rowhouse.user_id())
      and r.permissions && '{*,organization.manage}'
  );
end
$$;

-- Ids of the organizations that the person belongs to, whichever is active: where x in (select …) asks once a statement.
create function rowhouse.get_user_organizations() returns setof uuid
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query select m.organization_id from rowhouse.members m where m.user_id = (select rowhouse.user_id());
end
$$;

revoke all on function
  rowhouse.is_org_member(uuid), rowhouse.is_org_admin(uuid), rowhouse.get_user_organizations() from public;
grant execute on function
  rowhouse.is_org_member(uuid), rowhouse.is_org_admin(uuid), rowhouse.get_user_organizations()
  to rowhouse_app, authenticated, service_role;
