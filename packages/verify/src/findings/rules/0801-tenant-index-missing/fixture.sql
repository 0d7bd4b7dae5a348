-- On: plain.
alter table tasks drop constraint tasks_pkey; alter table tasks add primary key (id, organization_id); drop index tasks_project;
