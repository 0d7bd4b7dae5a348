-- On: schemas.
alter table tenant_b.tasks add parent_id uuid, add constraint tasks_parent foreign key (parent_id) references tenant_a.projects;
