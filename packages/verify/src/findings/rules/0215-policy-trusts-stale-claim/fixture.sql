-- On: supabase.
create policy claim on projects for select
  using (organization_id = ((select auth.jwt()) -> 'app_metadata' ->> 'organization_id')::uuid);
