-- On: supabase.
create policy meta on projects for select
  using (organization_id = ((select auth.jwt()) -> 'user_metadata' ->> 'organization_id')::uuid);
