-- On: supabase.
create extension pg_trgm schema public;
