-- On: supabase.
create policy files on storage.objects for insert to authenticated with check (bucket_id = 'files');
