-- On: plain.
create policy anyone on tasks for insert with check (true);
