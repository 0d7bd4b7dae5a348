-- On: schemas.
create view tenant_b.all_tasks as select * from tenant_a.tasks;
