-- On: plain.
alter table tasks add column created_by uuid;
create policy mine on tasks for insert with check (created_by = (select current_organization()));
