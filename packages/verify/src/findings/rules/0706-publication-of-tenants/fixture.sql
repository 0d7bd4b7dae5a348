-- On: supabase.
alter table projects replica identity full;
alter publication supabase_realtime add table projects;
