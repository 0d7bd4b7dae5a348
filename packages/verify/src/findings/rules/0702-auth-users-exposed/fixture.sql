-- On: supabase.
create view people as select id, email from auth.users;
