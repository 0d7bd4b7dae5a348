-- On: plain.
grant shop_owner to shop_app;
