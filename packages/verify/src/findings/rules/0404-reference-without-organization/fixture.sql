-- On: plain.
alter table projects add unique (id);
alter table tasks add column parent_id uuid, add constraint tasks_parent foreign key (parent_id) references projects (id);
