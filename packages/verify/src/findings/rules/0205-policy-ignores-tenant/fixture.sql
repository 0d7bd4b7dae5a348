-- On: plain.
create policy named on projects for select using (name <> '');
