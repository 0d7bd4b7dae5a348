-- On: plain.
alter default privileges for role shop_owner in schema public grant select, insert on tables to shop_app;
