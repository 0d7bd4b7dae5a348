-- On: supabase.
create function custom_access_token_hook(event jsonb) returns jsonb language sql stable as $$ select event $$;
