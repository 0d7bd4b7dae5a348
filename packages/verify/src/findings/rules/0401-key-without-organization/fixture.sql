-- On: plain.
alter table projects add constraint projects_name unique (name);
