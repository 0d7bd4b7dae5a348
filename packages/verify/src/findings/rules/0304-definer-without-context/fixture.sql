-- On: plain.
create function count_projects(organization uuid) returns bigint language sql stable security definer
  set search_path = pg_catalog, pg_temp
  as $$ select count(*) from public.projects p where p.organization_id = organization $$;
create function held_count(organization uuid) returns bigint language sql stable security definer
  set search_path = pg_catalog, pg_temp
  as $$ select count(*) from public.projects p where p.organization_id = organization $$;
alter function held_count(uuid) owner to shop_owner;
create schema inner_rooms authorization shop_owner;
create function inner_rooms.count_projects(organization uuid) returns bigint language sql stable security definer
  set search_path = pg_catalog, pg_temp
  as $$ select count(*) from public.projects p where p.organization_id = organization $$;
create trusted language another handler plpgsql_call_handler;
create function name_of(project uuid) returns text language another stable security definer set search_path = pg_catalog, pg_temp
  as $$ begin return (select p.name from public.projects p where p.id = project); end $$;
