-- On: plain.
drop policy tenant on tasks;
create policy tenant on tasks as restrictive using (organization_id = (select current_organization()));
