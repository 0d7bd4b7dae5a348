-- On: plain.
create materialized view totals as select organization_id, count(*) from projects group by 1;
alter materialized view totals owner to shop_owner; grant select on totals to shop_app;
create view my_projects with (security_invoker) as select * from projects; alter view my_projects owner to shop_owner;
create materialized view names as select name from my_projects;
alter materialized view names owner to shop_owner; grant select on names to shop_app;
create materialized view letters as select left(name, 1) from names;
alter materialized view letters owner to shop_owner; grant select on letters to shop_app;
