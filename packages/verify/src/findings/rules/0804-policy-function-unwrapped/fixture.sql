-- On: plain.
drop policy tenant on tasks;
create policy tenant on tasks using (organization_id = current_organization());
