-- On: plain.
create table events (organization_id uuid not null, id uuid not null default gen_random_uuid(), primary key (organization_id, id)) partition by hash (organization_id);
create table events_0 partition of events for values with (modulus 1, remainder 0);
alter table events owner to shop_owner; alter table events_0 owner to shop_owner;
alter table events enable row level security; alter table events force row level security;
create policy tenant on events using (organization_id = (select current_organization()));
grant select on events, events_0 to shop_app;
