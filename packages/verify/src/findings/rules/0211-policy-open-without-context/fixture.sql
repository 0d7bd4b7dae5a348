-- On: plain.
create policy jobs on projects using (current_setting('app.organization', true) is null or organization_id = (select current_organization()));
