-- On: plain.
grant pg_read_all_data to shop_app;
