-- On: plain.
create table remarks (id uuid primary key default gen_random_uuid(), project_id uuid not null, organization uuid not null,
  foreign key (organization, project_id) references projects (organization_id, id));
alter table remarks owner to shop_owner; alter table remarks enable row level security; alter table remarks force row level security;
create policy through on remarks using (exists (select from projects p where p.id = project_id and p.organization_id = (select current_organization())));
create index on remarks (organization, project_id);
grant select on remarks to shop_app;
