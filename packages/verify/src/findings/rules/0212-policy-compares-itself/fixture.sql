-- On: plain.
create table members (organization_id uuid not null references organizations, user_name text not null, primary key (organization_id, user_name));
alter table members owner to shop_owner; alter table members enable row level security; alter table members force row level security;
grant select on members to shop_app;
create policy tenant on members using (organization_id = (select current_organization()));
create policy membership on projects for select
  using (exists (select from members m where m.organization_id = organization_id and m.user_name = current_setting('app.user')));
