-- On: plain.
create extension dblink;
