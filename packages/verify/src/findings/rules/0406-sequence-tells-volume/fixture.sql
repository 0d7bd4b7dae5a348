-- On: plain.
alter table tasks add column number bigint generated always as identity;
