-- On: plain.
create function count_projects(organization uuid) returns bigint language sql stable security definer
  set search_path = pg_catalog, pg_temp
  as $$ select count(*) from public.projects p where p.organization_id = organization $$;
alter function count_projects(uuid) owner to shop_owner;
