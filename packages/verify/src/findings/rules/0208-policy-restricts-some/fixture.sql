-- On: plain.
create role shop_guest login; grant select on tasks to shop_guest;
create policy guests on tasks as restrictive to shop_guest using (organization_id = (select current_organization()));
