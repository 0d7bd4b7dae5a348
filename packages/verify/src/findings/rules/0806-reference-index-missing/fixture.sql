-- On: plain.
drop index tasks_project;
