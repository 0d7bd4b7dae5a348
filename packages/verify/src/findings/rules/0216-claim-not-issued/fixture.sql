-- On: supabase.
create policy clerk on projects for select using (organization_id = ((select auth.jwt()) ->> 'org_id')::uuid);
