-- On: schemas.
create function make_tenant(tenant text) returns text language plpgsql
  as $$ declare schema_name text := 'tenant_' || replace(tenant, '-', '_'); begin
    execute format('create schema %I', schema_name); return schema_name; end $$;
