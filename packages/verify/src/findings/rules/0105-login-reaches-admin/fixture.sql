-- On: plain.
create role shop_admin bypassrls; create role shop_gate login noinherit; grant shop_app, shop_admin to shop_gate;
