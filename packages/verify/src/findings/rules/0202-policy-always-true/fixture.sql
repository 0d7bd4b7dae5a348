-- On: plain.
create policy everyone on projects for select using (true);
