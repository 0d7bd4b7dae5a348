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

-- Row security and its policies. It is enabled last: Postgres reads the policies of a table with row security anew with each command
-- that changes it.
create function rowhouse.give_policies(target regclass, options jsonb) returns table (statement text, part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  wanted record;
begin
  if not (select c.relrowsecurity and c.relforcerowsecurity from pg_class c where c.oid = target) then
    part := 'enable row level security, force row level security';
    done := 'row security is enabled and forced';
    return next;
    part := null;
  end if;

  for wanted in
    select w.*, (
      select rowhouse.policy_signature(p.oid) from pg_policy p where p.polrelid = target and p.polname = w.name) as existing
    from (values
      ('rowhouse_organization', '*', false, rowhouse.policy_text(), rowhouse.policy_check_text()),
      ('rowhouse_read', 'r', true, rowhouse.access_text(options, 'select'), null),
      ('rowhouse_insert', 'a', true, null, rowhouse.access_text(options, 'insert')),
      ('rowhouse_update', 'w', true, rowhouse.access_text(options, 'update'), rowhouse.access_text(options, 'update')),
      ('rowhouse_delete', 'd', true, rowhouse.access_text(options, 'delete'), null)
    ) as w (name, command, permissive, using_text, check_text)
  loop
    if wanted.existing is not null then
      continue when wanted.existing = concat_ws(' ', wanted.command, wanted.permissive::text, wanted.using_text, 'check', wanted.check_text);
      statement := format('drop policy %I on %s', wanted.name, target);
      done := format('dropped policy %s', wanted.name);
      return next;
    end if;
    statement := format('create policy %I on %s as %s for %s to public%s%s', wanted.name, target,
      case when wanted.permissive then 'permissive' else 'restrictive' end,
      case wanted.command when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
      ' using (' || wanted.using_text || ')', ' with check (' || wanted.check_text || ')');
    done := format('created policy %s', wanted.name);
    return next;
  end loop;
end
$$;

-- An owner that nobody logs in as. FORCE holds it as well.
create function rowhouse.give_owner(target regclass) returns table (statement text, part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if (select c.relowner from pg_class c where c.oid = target) <> 'rowhouse_owner'::regrole
    and pg_has_role(current_user, 'rowhouse_owner', 'USAGE')
  then
    -- Postgres asks as the owner of the table whether a row that is referred to exists.
    if not has_schema_privilege('rowhouse_owner', (select c.relnamespace from pg_class c where c.oid = target), 'usage') then
      statement := format('grant usage on schema %I to rowhouse_owner',
        (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target));
    end if;
    part := 'owner to rowhouse_owner';
    done := 'owner is rowhouse_owner';
    return next;
  end if;
end
$$;

-- The statements that give the roles that tenants come as what they may do, and take the rest.
create function rowhouse.privilege_statements(target regclass, options jsonb) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  columns text;
  grantees text := rowhouse.grantees(target);
begin
  -- Where nobody was given anything there is nothing to take.
  if exists (select from pg_class c where c.oid = target and c.relacl is not null)
    or exists (select from pg_attribute a where a.attrelid = target and a.attacl is not null)
  then
    -- Supabase gives anon, authenticated and service_role all of it by default. In a home of its own the roles that organizations
    -- share have no business.
    return next format('revoke all on %s from public, anon%s', target,
      case when grantees <> 'rowhouse_app, authenticated, service_role' then ', rowhouse_app, authenticated, service_role' end);
    return next format('revoke truncate, references, trigger on %s from %s', target, grantees);
  end if;
  if coalesce((options ->> 'strict')::boolean, false) then
    select rowhouse.column_list(array_agg(a.attname::text order by a.attnum)) into columns
    from pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attname <> 'organization_id';
    return next format('revoke insert, update on %s from %s', target, grantees);
    return next format('grant select, delete, insert (%s), update (%s) on %s to %s', columns, columns, target, grantees);
  else
    return next format('grant select, insert, update, delete on %s to %s', target, grantees);
  end if;
  -- A serial column calls nextval() as whoever inserts; an identity column needs no privilege.
  return query
  select format('grant usage on sequence %s to %s', d.objid::regclass, grantees)
  from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
  where d.refclassid = 'pg_class'::regclass and d.refobjid = target and d.classid = 'pg_class'::regclass and d.deptype = 'a';
  -- Granted again it would be written again, and every session would forget which schemas it looks in.
  return query
  select format('grant usage on schema %I to %s', n.nspname, g.role)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral unnest(string_to_array(grantees, ', ')) g (role)
  where c.oid = target and not exists (
    select from aclexplode(n.nspacl) a where a.grantee = g.role::regrole and a.privilege_type = 'USAGE');
end
$$;

-- Whether there is nothing but columns, a primary key and checks: no key, reference or index more that would have to be looked at,
-- on either side. Most tables, when they are new.
create function rowhouse.is_bare(target regclass) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (select from pg_constraint c where c.conrelid = target and c.contype in ('u', 'f', 'x'))
    and not exists (select from pg_index i where i.indrelid = target and not i.indisprimary and (i.indisunique or i.indisexclusion))
    and not exists (
      select from pg_depend d join pg_constraint c on c.oid = d.objid
      where d.refclassid = 'pg_class'::regclass and d.refobjid = target and d.classid = 'pg_constraint'::regclass and c.contype = 'f');
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
  bare boolean;
  step record;
  parts text[] := '{}';
  statements text[] := '{}';
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
  bare := rowhouse.is_bare(target);
  for step in
    select * from rowhouse.give_key(target) union all select g.* from rowhouse.give_references(target) g where not bare
  loop
    parts := parts || step.part;
    if step.done is not null then
      return next step.done;
    end if;
  end loop;
  if options ? 'partitions' then
    perform rowhouse.alter_at_once(target, parts);
    parts := '{}';
    converted := rowhouse.partition_table(target, (options ->> 'partitions')::int);
    if converted <> target then
      return next format('%s hash partitions by organization_id', options ->> 'partitions');
      target := converted;
    end if;
  end if;
  for step in
    select * from rowhouse.give_organization_reference(target, options) union all select * from rowhouse.give_home_check(target)
  loop
    parts := parts || step.part;
    return next step.done;
  end loop;
  perform rowhouse.alter_at_once(target, parts);
  if not bare then
    return query select * from rowhouse.give_reference_indexes(target);
  end if;
  return query select * from rowhouse.give_timestamps(target, options);
  parts := '{}';
  for step in
    select * from rowhouse.give_change_log(target, options)
    union all select * from rowhouse.give_policies(target, options)
    union all select * from rowhouse.give_owner(target)
  loop
    statements := statements || step.statement;
    parts := parts || step.part;
    if step.done is not null then
      return next step.done;
    end if;
  end loop;
  if array_to_string(parts, '') <> '' then
    statements := statements || format('alter table %s %s', target, array_to_string(parts, ', '));
  end if;
  execute array_to_string(statements || array(select rowhouse.privilege_statements(target, options)), '; ');
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
