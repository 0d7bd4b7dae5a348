-- rowhouse.protect(table, options): makes a table keep organizations apart. It runs as its caller, who must own the
-- table, and may be called again and again: it says what it did, and nothing when nothing was to do.
--
-- Options, all optional; docs/protect.md describes them and 0011_protect_options.sql checks them:
--   read, write, access, own            who may do what inside the organization
--   mask                                columns whose values the change log hides
--   strict                              withholds the privilege to name organization_id
--   timestamps                          created_at, updated_at and created_by, kept by the database
--   partitions                          hash partitions by organization
--   policies                            what to do about permissive policies made by hand
--   organization_reference              the foreign key to rowhouse.organizations

-- Equality that the planner does not reason with: it belongs to no operator class, so what it compares joins no class of
-- equals. With `=` alone, `organization_id = current_setting('x')::uuid` in a query becomes one question before the scan,
-- whether the setting equals the seal's organization, and a scan by the setting, which the same statement can change in
-- between. That read every row of another organization. See policy-planner.db.test.ts.
create operator rowhouse.=== (
  function = pg_catalog.uuid_eq, leftarg = uuid, rightarg = uuid,
  -- Nearly all rows pass: the first comparison has chosen them.
  restrict = pg_catalog.neqsel
);

-- The text of the one policy, as Postgres deparses it while only pg_catalog is on search_path. The first comparison is for
-- indexes, partitions and the order of rows; the second one holds.
create function rowhouse.policy_text() returns text
  language sql immutable parallel safe
  return '((organization_id = ( SELECT rowhouse.organization_id() AS organization_id)) AND (organization_id OPERATOR(rowhouse.===) ( SELECT rowhouse.organization_id() AS organization_id)))';

-- What a row that is written must fulfil: asked of the row itself, not planned.
create function rowhouse.policy_check_text() returns text
  language sql immutable parallel safe
  return '(organization_id = ( SELECT rowhouse.organization_id() AS organization_id))';

-- Row security, its policies and the privileges of the roles that tenants come as.
create function rowhouse.give_policies(target regclass, options jsonb) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  wanted record;
  existing text;
  columns text;
  grantees text := rowhouse.grantees(target);
begin
  if not (select c.relrowsecurity and c.relforcerowsecurity from pg_class c where c.oid = target) then
    execute format('alter table %s enable row level security, force row level security', target);
    return next 'row security is enabled and forced';
  end if;

  for wanted in
    select * from (values
      ('rowhouse_organization', '*', false, rowhouse.policy_text(), rowhouse.policy_check_text()),
      ('rowhouse_read', 'r', true, rowhouse.access_text(options, 'select'), null),
      ('rowhouse_insert', 'a', true, null, rowhouse.access_text(options, 'insert')),
      ('rowhouse_update', 'w', true, rowhouse.access_text(options, 'update'), rowhouse.access_text(options, 'update')),
      ('rowhouse_delete', 'd', true, rowhouse.access_text(options, 'delete'), null)
    ) as p (name, command, permissive, using_text, check_text)
  loop
    select rowhouse.policy_signature(p.oid) into existing from pg_policy p where p.polrelid = target and p.polname = wanted.name;
    if found
      and existing is distinct from concat_ws(' ', wanted.command, wanted.permissive::text, wanted.using_text, 'check', wanted.check_text)
    then
      execute format('drop policy %I on %s', wanted.name, target);
      return next format('dropped policy %s', wanted.name);
      existing := null;
    end if;
    if existing is null then
      execute format('create policy %I on %s as %s for %s to public%s%s', wanted.name, target,
        case when wanted.permissive then 'permissive' else 'restrictive' end,
        case wanted.command when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
        ' using (' || wanted.using_text || ')', ' with check (' || wanted.check_text || ')');
      return next format('created policy %s', wanted.name);
    end if;
  end loop;

  -- Supabase gives anon, authenticated and service_role all of it by default. In a home of its own the roles that organizations
  -- share have no business.
  execute format('revoke all on %s from public, anon%s', target,
    case when grantees <> 'rowhouse_app, authenticated, service_role' then ', rowhouse_app, authenticated, service_role' end);
  execute format('revoke truncate, references, trigger on %s from %s', target, grantees);
  if coalesce((options ->> 'strict')::boolean, false) then
    select rowhouse.column_list(array_agg(a.attname::text order by a.attnum)) into columns
    from pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attname <> 'organization_id';
    execute format('revoke insert, update on %s from %s', target, grantees);
    execute format('grant select, delete, insert (%s), update (%s) on %s to %s', columns, columns, target, grantees);
  else
    execute format('grant select, insert, update, delete on %s to %s', target, grantees);
  end if;
  -- A serial column calls nextval() as whoever inserts; an identity column needs no privilege.
  for columns in
    select d.objid::regclass::text
    from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
    where d.refclassid = 'pg_class'::regclass and d.refobjid = target and d.classid = 'pg_class'::regclass and d.deptype = 'a'
  loop
    execute format('grant usage on sequence %s to %s', columns, grantees);
  end loop;
  -- Granted again it would be written again, and every session would forget which schemas it looks in.
  for columns in
    select format('grant usage on schema %I to %s', n.nspname, g.role)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral unnest(string_to_array(grantees, ', ')) g (role)
    where c.oid = target and not exists (
      select from aclexplode(n.nspacl) a where a.grantee = g.role::regrole and a.privilege_type = 'USAGE')
  loop
    execute columns;
  end loop;
end
$$;

-- Who may run a command, as the text of its policy, in the form in which Postgres deparses it. With own, what the person
-- created is theirs to change, and another's row needs the permission that own names.
create function rowhouse.access_text(options jsonb, command text) returns text
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  short text := case command when 'select' then 'read' else 'write' end;
  may text := rowhouse.permission_text(case
    when options -> 'access' ? command then options -> 'access' ->> command
    when options ? short then options ->> short
    when command <> 'select' then 'data.write'
  end);
  others text := case jsonb_typeof(options -> 'own')
    when 'string' then case when command in ('update', 'delete') then options ->> 'own' end
    when 'object' then options -> 'own' ->> command
  end;
  own text;
begin
  if others is null then
    return may;
  end if;
  own := format('((created_by = ( SELECT rowhouse.user_id() AS user_id)) OR %s)', rowhouse.permission_text(others));
  return case when may = 'true' then own else format('(%s AND %s)', may, own) end;
end
$$;

-- The (select …) makes it an InitPlan: asked once a statement, however many rows it writes.
create function rowhouse.permission_text(permission text) returns text
  language sql immutable
  return case when permission is null then 'true' else format('( SELECT rowhouse.can(%L::text) AS can)', permission) end;

create function rowhouse.policy_signature(policy oid) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select concat_ws(' ', p.polcmd::text, p.polpermissive::text, pg_get_expr(p.polqual, p.polrelid), 'check',
    pg_get_expr(p.polwithcheck, p.polrelid))
    || case when p.polroles <> '{0}' then ' to ' || p.polroles::text else '' end
  from pg_policy p where p.oid = policy
$$;

create function rowhouse.protect(target regclass, options jsonb default '{}') returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set row_security = off
as $$
declare
  converted regclass;
begin
  perform rowhouse.check_protectable(target);
  perform rowhouse.check_protect_options(target, options);
  perform rowhouse.check_hand_made_policies(target, options);
  -- Dropping a reference locks the table referred to, and whoever comes to the table has entered, which reads
  -- organizations: in the other order each would wait for what the other holds.
  if rowhouse.replaces_organization_reference(target, options) then
    lock table rowhouse.organizations in access exclusive mode;
  end if;
  execute format('lock table %s in access exclusive mode', target);
  -- A list of masked columns can be longer than what a line keeps.
  perform rowhouse.go_past_guard('protect', target, left(options::text, 1000));
  return query select * from rowhouse.give_key(target);
  return query select * from rowhouse.give_references(target);
  if options ? 'partitions' then
    converted := rowhouse.partition_table(target, (options ->> 'partitions')::int);
    if converted <> target then
      return next format('%s hash partitions by organization_id', options ->> 'partitions');
      target := converted;
    end if;
  end if;
  return query select * from rowhouse.give_organization_reference(target, options);
  return query select * from rowhouse.give_reference_indexes(target);
  return query select * from rowhouse.give_timestamps(target, options);
  return query select * from rowhouse.give_change_log(target, options);
  return query select * from rowhouse.give_policies(target, options);
  return query select * from rowhouse.give_home_check(target);
  -- An owner that nobody logs in as. FORCE holds it as well.
  if (select c.relowner from pg_class c where c.oid = target) <> 'rowhouse_owner'::regrole
    and pg_has_role(current_user, 'rowhouse_owner', 'USAGE')
  then
    execute format('alter table %s owner to rowhouse_owner', target);
    return next 'owner is rowhouse_owner';
  end if;
  return query select * from rowhouse.close_partitions(target);
  return query select * from rowhouse.close_defaults();
  perform rowhouse.stay_behind_guard();
end
$$;

-- Whether every write to a protected table is logged, whoever makes it: all its triggers are there, enabled always, and
-- ask logs_each_row() about this table.
create function rowhouse.is_logged(target regclass) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (
    select from rowhouse.log_triggers(target, '') w
    where not exists (
      select from pg_trigger t
      where t.tgrelid = target and t.tgname = w.name and t.tgenabled = 'A'
        and t.tgfoid in ('rowhouse.log_change()'::regprocedure, 'rowhouse.log_statement()'::regprocedure,
          'rowhouse.log_truncate()'::regprocedure)
        and (w.name = 'rowhouse_log_truncate'
          or strpos(pg_get_triggerdef(t.oid), format('rowhouse.logs_each_row(%L::regclass, ', target::text)) > 0)
    )
  );
end
$$;
