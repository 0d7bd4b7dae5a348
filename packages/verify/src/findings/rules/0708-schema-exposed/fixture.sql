-- On: supabase.
alter role authenticator set pgrst.db_schemas = 'public, auth';
