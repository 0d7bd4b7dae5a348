-- On: plain.
alter table tasks add column other_id uuid, add constraint tasks_other foreign key (organization_id, other_id)
  references projects (organization_id, id) on delete set null;
