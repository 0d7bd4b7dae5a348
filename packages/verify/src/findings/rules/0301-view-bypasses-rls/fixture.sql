-- On: plain.
create view open_projects as select * from projects; grant select on open_projects to shop_app;
create view my_projects with (security_invoker) as select * from projects; grant select on my_projects to shop_owner;
create view named_projects with (security_invoker = 'TRUE') as select name from projects; grant select on named_projects to shop_app;
create view project_names as select name from my_projects; grant select on project_names to shop_app;
create view letters_of as select name from projects; create view letters as select left(name, 1) from letters_of; grant select on letters to shop_app;
create view held_projects as select name from projects; alter view held_projects owner to shop_owner; grant select on held_projects to shop_app;
