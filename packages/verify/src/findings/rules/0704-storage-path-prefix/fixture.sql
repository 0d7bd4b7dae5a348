-- On: supabase.
create policy prefix on storage.objects for select to authenticated using (name like (((select auth.jwt()) -> 'app_metadata' ->> 'organization_id') || '%'));
