-- Who did what through the control plane: an entry before the act, its outcome after it. Ids and codes only,
-- no tenant's data. Entries are added and given their outcome once; nobody changes or deletes one.

create table rowhouse.control_audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor_kind text not null constraint actor_kind_is_known check (actor_kind in ('operator', 'user', 'anonymous')),
  actor_id uuid,
  action text not null,
  -- Not a reference: the entry outlives what it is about.
  organization_id uuid,
  target text,
  -- 'done', or the code of the refusal; null while the act is under way, or when the process died in it.
  outcome text,
  request_id text not null,
  ip text
);
create index control_audit_by_organization on rowhouse.control_audit (organization_id, id);

revoke all on rowhouse.control_audit from public;
alter table rowhouse.control_audit enable row level security;
create policy control_keeps_it on rowhouse.control_audit to rowhouse_control using (true) with check (true);
grant select, insert on rowhouse.control_audit to rowhouse_control;
grant update (outcome) on rowhouse.control_audit to rowhouse_control;
