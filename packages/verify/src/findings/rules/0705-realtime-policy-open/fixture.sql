-- On: supabase.
create policy listen on realtime.messages for select to authenticated using (extension = 'broadcast');
