-- On: plain.
create materialized view totals as select organization_id, count(*) from projects group by 1;
alter materialized view totals owner to shop_owner; grant select on totals to shop_app;
