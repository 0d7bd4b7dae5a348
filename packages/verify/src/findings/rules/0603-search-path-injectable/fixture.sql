-- On: schemas.
create function enter_tenant(name text) returns void language plpgsql
  as $$ begin perform set_config('search_path', 'tenant_' || name || ', public', true); end $$;
