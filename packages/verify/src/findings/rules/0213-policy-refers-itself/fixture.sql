-- On: plain.
create policy loops on projects for select using (organization_id in (select p.organization_id from projects p));
