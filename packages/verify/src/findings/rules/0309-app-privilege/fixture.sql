-- On: plain.
grant truncate on projects to shop_app;
