-- organization_id → rowhouse.organizations: what PostgREST embeds by, and what keeps an organization from going while
-- rows of it are left. Enforced, every insert locks the one row of its organization: 20 to 40 µs a statement, and a
-- multixact for each two transactions that meet there (docs/adr/0008-the-reference-to-organizations-is-declared.md). So it is
-- declared where the server knows NOT ENFORCED: enter() has seen the organization and holds its lock, the policy
-- lets no other in, and the trigger below refuses to remove an organization that has rows.

create function rowhouse.find_organization_reference(target regclass)
  returns table (name name, definition text, kind text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Set up in a fraction of the time, and most tables have none when they are made.
  if not exists (
    select from pg_constraint c where c.conrelid = target and c.contype = 'f' and c.confrelid = 'rowhouse.organizations'::regclass)
  then
    return;
  end if;
  return query
    select c.conname, pg_get_constraintdef(c.oid),
      case when pg_get_constraintdef(c.oid) like '% NOT ENFORCED' then 'declared' else 'enforced' end
    from pg_constraint c
    where c.conrelid = target and c.contype = 'f' and c.confrelid = 'rowhouse.organizations'::regclass
      and rowhouse.column_names(c.conrelid, c.conkey) = '{organization_id}'
    order by c.conname
    limit 1;
end
$$;

-- A reference that cascades goes whatever the options; one of the wrong kind only when a kind is asked for.
create function rowhouse.replaces_organization_reference(target regclass, options jsonb) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from rowhouse.find_organization_reference(target) r
    where r.definition ~ 'ON (DELETE|UPDATE) ' or r.kind <> options ->> 'organization_reference');
end
$$;

create function rowhouse.give_organization_reference(target regclass, options jsonb) returns table (part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  can_declare boolean := current_setting('server_version_num')::int >= 180000;
  wanted text := coalesce(options ->> 'organization_reference', case when can_declare then 'declared' else 'enforced' end);
  existing record;
begin
  if not has_table_privilege('rowhouse_owner', target, 'select') and not pg_has_role(current_user, 'rowhouse_owner', 'USAGE') then
    -- For refuse_organization_with_rows(), where the table keeps another owner.
    execute format('grant select on %s to rowhouse_owner', target);
    execute format('grant usage on schema %I to rowhouse_owner',
      (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target));
  end if;
  select * into existing from rowhouse.find_organization_reference(target);
  if existing.name is not null and not rowhouse.replaces_organization_reference(target, options) then
    return;
  end if;
  if existing.name is not null then
    part := format('drop constraint %I', existing.name);
    done := format('dropped %s, which was %s', existing.name,
      case when existing.definition ~ 'ON (DELETE|UPDATE) ' then existing.definition else existing.kind end);
    return next;
  end if;
  if wanted <> 'none' then
    part := format('add constraint rowhouse_organization_exists foreign key (organization_id) references rowhouse.organizations (id)%s',
      case when wanted = 'declared' then ' not enforced' else '' end);
    done := format('organization_id refers to rowhouse.organizations (%s)', wanted);
    return next;
  end if;
end
$$;

-- Enters the organization for the length of one look, as everything does that reads rows of a tenant.
create function rowhouse.refuse_organization_with_rows() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  before text := coalesce(current_setting('rowhouse.seal', true), '');
  payload text := old.id || 'o' || repeat('-', 36) || '0000000000.000' || '{"service": "rowhouse", "reason": "removal"}';
  target regclass;
  has_rows boolean;
begin
  perform set_config('rowhouse.seal', encode(sha256(rowhouse.key_part('seal_outer') || sha256(
    rowhouse.key_part('seal_inner') || timestamptz_send(now()) || convert_to(payload, 'UTF8'))), 'hex') || payload, true);
  for target in
    select p.polrelid::regclass
    from pg_namespace n
    cross join lateral rowhouse.relations_of(n.oid) r
    join pg_policy p on p.polrelid = r.relation and p.polname = 'rowhouse_organization'
    join pg_class c on c.oid = r.relation and not c.relispartition
    where n.nspname <> 'rowhouse_home'
      -- The home of another organization cannot hold a row of this one: its tables have a check.
      and not exists (select from rowhouse.tenant_schemas s where s.name = n.nspname and s.organization_id <> old.id)
  loop
    execute format('select exists (select from %s where organization_id = $1)', target) into has_rows using old.id;
    if has_rows then
      raise exception 'The organization % has rows in %.', old.id, target
        using errcode = 'RH035', hint = 'Export or erase them first; they are never deleted along with it.';
    end if;
  end loop;
  perform set_config('rowhouse.seal', before, true);
  return old;
end
$$;
create trigger refuse_organization_with_rows before delete on rowhouse.organizations
  for each row execute function rowhouse.refuse_organization_with_rows();
