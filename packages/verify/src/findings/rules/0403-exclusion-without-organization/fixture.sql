-- On: plain.
create table bookings (organization_id uuid not null references organizations, id uuid not null default gen_random_uuid(),
  during tstzrange not null, primary key (organization_id, id), constraint bookings_apart exclude using gist (during with &&));
alter table bookings owner to shop_owner; alter table bookings enable row level security; alter table bookings force row level security;
create policy tenant on bookings using (organization_id = (select current_organization()));
grant select, insert on bookings to shop_app;
