-- Runs of the rules of `rowhouse verify` over this database, as the control plane makes them: how far the newest is, and
-- what it found. Names of objects and SQL that mends them; no row of a tenant.

create table rowhouse.verifications (
  id bigint generated always as identity primary key,
  state text not null default 'running' constraint state_is_known check (state in ('running', 'done', 'failed')),
  started_at timestamptz not null default clock_timestamp(),
  -- Moves while it runs, so that one whose process has died is known by its standing still.
  progressed_at timestamptz not null default clock_timestamp(),
  rules_done integer not null default 0,
  rules_total integer not null default 0,
  -- What `rowhouse verify --json` prints.
  report jsonb,
  error text,
  constraint done_has_a_report check ((state = 'done') = (report is not null)),
  constraint failed_says_why check ((state = 'failed') = (error is not null))
);
-- Two processes, or two people, begin one run.
create unique index one_verification_runs on rowhouse.verifications (state) where state = 'running';

revoke all on rowhouse.verifications from public;
alter table rowhouse.verifications enable row level security;
create policy control_keeps_it on rowhouse.verifications to rowhouse_control using (true) with check (true);
grant select, insert, update, delete on rowhouse.verifications to rowhouse_control;
