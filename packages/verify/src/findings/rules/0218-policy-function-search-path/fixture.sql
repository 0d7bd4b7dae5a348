-- On: plain.
create table members (organization_id uuid not null references organizations, user_name text not null, primary key (organization_id, user_name));
alter table members owner to shop_owner; alter table members enable row level security; alter table members force row level security;
grant select on members to shop_app;
create policy tenant on members using (organization_id = (select current_organization()));
create function is_member(organization uuid) returns boolean language sql stable
  as $$ select exists (select from members where organization_id = organization) $$;
create policy membership on projects for select using (is_member(organization_id));
