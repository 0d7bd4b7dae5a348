-- On: plain.
grant execute on function lo_create(oid) to shop_app;
