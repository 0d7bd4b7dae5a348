-- On: schemas.
grant usage on schema tenant_a, tenant_b to shop_app;
grant select on all tables in schema tenant_a, tenant_b to shop_app;
