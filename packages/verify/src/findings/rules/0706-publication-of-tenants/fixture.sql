-- On: supabase.
alter table projects replica identity full;
create publication supabase_realtime for table projects;
