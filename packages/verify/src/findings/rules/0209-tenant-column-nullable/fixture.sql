-- On: plain.
alter table tasks drop constraint tasks_pkey; alter table tasks alter organization_id drop not null;
create unique index tasks_key on tasks (organization_id, id);
