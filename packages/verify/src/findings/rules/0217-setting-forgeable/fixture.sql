-- On: plain.
create policy other on tasks for select using (organization_id = current_setting('app.tenant', true)::uuid);
