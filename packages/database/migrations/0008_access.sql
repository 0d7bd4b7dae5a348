-- Who may do what in this schema. Nothing is executable or readable by PUBLIC; rowhouse_app sees the rows that
-- its seal allows; rowhouse_control keeps the catalogue.

revoke all on schema rowhouse from public;
revoke all on all tables in schema rowhouse from public;
revoke all on all functions in schema rowhouse from public;
-- For what later migrations create: a function is executable by PUBLIC unless this says otherwise.
alter default privileges for role rowhouse_owner revoke execute on functions from public;

grant usage on schema rowhouse to rowhouse_app, rowhouse_control, rowhouse_migrator;

grant execute on function
  rowhouse.handshake(), rowhouse.enter(text), rowhouse.organization_id(),
  rowhouse.active_organization(), rowhouse.user_id(), rowhouse.actor_kind(), rowhouse.role(), rowhouse.has_role(text), rowhouse.can(text)
  to rowhouse_app, rowhouse_control, rowhouse_migrator;
grant execute on function
  rowhouse.create_organization(text, text, uuid, text), rowhouse.set_organization_status(uuid, text),
  rowhouse.changed_organizations(pg_snapshot), rowhouse.connection_belongs(uuid, uuid)
  to rowhouse_control;
-- Who suspends, moves and migrates takes the locks.
grant execute on function
  rowhouse.read_lock_seed(text), rowhouse.lock_seed_constant(text), rowhouse.lock_key(uuid), rowhouse.turn_key(text)
  to rowhouse_control, rowhouse_migrator;
grant execute on function
  rowhouse.findings(), rowhouse.dangerous_functions(), rowhouse.tenant_tables(), rowhouse.policy_text(), rowhouse.policy_check_text(),
  rowhouse.is_protected(regclass), rowhouse.column_names(regclass, smallint[]), rowhouse.foreign_keys_of(oid)
  to rowhouse_control;

grant select on rowhouse.organizations, rowhouse.members, rowhouse.roles, rowhouse.users, rowhouse.plans,
  rowhouse.connections, rowhouse.change_log, rowhouse.audit_log to rowhouse_app;
grant select, insert, update, delete on rowhouse.organizations, rowhouse.members, rowhouse.roles, rowhouse.users,
  rowhouse.plans, rowhouse.placements, rowhouse.connections to rowhouse_control;

-- Not forced: the functions above run as the owner and read all of it.
alter table rowhouse.organizations enable row level security;
alter table rowhouse.members enable row level security;
alter table rowhouse.roles enable row level security;
alter table rowhouse.users enable row level security;
alter table rowhouse.connections enable row level security;
alter table rowhouse.placements enable row level security;
alter table rowhouse.change_log enable row level security;

create policy control_keeps_it on rowhouse.organizations to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.members to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.roles to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.users to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.connections to rowhouse_control using (true) with check (true);
create policy control_keeps_it on rowhouse.placements to rowhouse_control using (true) with check (true);

-- A person without an active organization sees the own memberships, to choose one.
create policy own_organization on rowhouse.members for select to rowhouse_app
  using (
    organization_id = (select rowhouse.active_organization())
    or ((select rowhouse.active_organization()) is null and user_id = (select rowhouse.user_id()))
  );
create policy own_organization on rowhouse.organizations for select to rowhouse_app
  using (
    id = (select rowhouse.active_organization())
    or ((select rowhouse.active_organization()) is null and exists (
      select from rowhouse.members m where m.organization_id = id and m.user_id = (select rowhouse.user_id())
    ))
  );
create policy own_organization on rowhouse.roles for select to rowhouse_app
  using (
    organization_id = (select rowhouse.active_organization())
    or (organization_id is null and (select rowhouse.actor_kind()) is not null)
  );
create policy own_organization on rowhouse.users for select to rowhouse_app
  using (
    id = (select rowhouse.user_id())
    or exists (
      select from rowhouse.members m
      where m.organization_id = (select rowhouse.active_organization()) and m.user_id = users.id
    )
  );
-- The last part is asked row by row only of who may not see them all.
create policy own_organization on rowhouse.connections for select to rowhouse_app
  using (
    organization_id = (select rowhouse.organization_id())
    and organization_id operator(rowhouse.===) (select rowhouse.organization_id())
    and ((select rowhouse.can('connections.read')) or rowhouse.can('connections.read:' || id))
  );
-- The second part is asked before any month is read; it names the organization so that a person without one is told so.
create policy own_organization on rowhouse.change_log for select to rowhouse_app
  using (
    organization_id = (select rowhouse.organization_id())
    and organization_id operator(rowhouse.===) (select rowhouse.organization_id())
    and (select rowhouse.organization_id() is not null and rowhouse.can('activity.read'))
  );
