-- On: plain.
create view open_projects as select * from projects; alter view open_projects owner to shop_owner; grant select on open_projects to shop_app;
