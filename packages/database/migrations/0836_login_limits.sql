-- What plan and organization bound of a home's login is a setting of the login on its server, which only a connection there
-- can change. What is to be changed is noted here; packages/fleet/src/provision/keep-limits.ts does it.

alter table rowhouse.homes add column limits_due boolean not null default false;
create index homes_with_limits_due on rowhouse.homes (cluster) where limits_due;

create function rowhouse.note_limits_due() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update rowhouse.homes h set limits_due = true where h.organization_id = new.id and h.isolation <> 'shared';
  return null;
end
$$;
create trigger note_limits_due after update on rowhouse.organizations
  for each row when (old.limits is distinct from new.limits) execute function rowhouse.note_limits_due();

revoke all on function rowhouse.note_limits_due() from public;
