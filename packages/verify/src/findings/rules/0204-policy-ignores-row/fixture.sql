-- On: plain.
create policy signed_in on projects for select using (current_setting('app.user', true) is not null);
