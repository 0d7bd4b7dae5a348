-- On: plain.
create role shop_admin bypassrls; grant shop_admin to shop_app;
