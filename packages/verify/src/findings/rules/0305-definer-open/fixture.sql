-- On: supabase.
create function my_projects() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select p.id from public.projects p where p.organization_id in (select public.my_organizations()) $$;
