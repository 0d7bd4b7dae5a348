-- On: plain.
alter table projects disable row level security;
