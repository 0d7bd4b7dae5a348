-- On: plain.
create policy nulls on tasks using (organization_id is not distinct from (select current_organization()));
