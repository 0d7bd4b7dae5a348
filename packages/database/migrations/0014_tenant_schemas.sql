-- Which schemas are for tenants, and what a tenant may reach there: protected tables, shared ones, and views that read as
-- whoever asks. A tenant schema is one that holds a protected table, or that rowhouse.guard_schema() was told of.

create table rowhouse.tenant_schemas (
  name name primary key,
  -- Of a home of its own: who comes there in place of the roles that organizations share, and whose rows it may hold. The
  -- organization need not exist yet: a warm home waits for the one that will be made with this id.
  login name constraint a_login_has_one_schema unique,
  organization_id uuid constraint an_organization_has_one_schema unique,
  registered_at timestamptz not null default now(),
  constraint a_home_has_login_and_organization check ((login is null) = (organization_id is null))
);

-- What went past the guard: protect, and what was loosened on purpose; by whom, when and why. Nobody changes it afterwards.
create table rowhouse.protection_events (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  login name not null default session_user,
  transaction_id xid8 not null default pg_current_xact_id(),
  action text not null constraint action_is_known check (action in ('protect', 'unprotect', 'share', 'settle')),
  target text not null,
  -- Of protect: its options.
  reason text not null constraint reason_is_given check (reason ~ '\S' and length(reason) <= 1000)
);
grant select on rowhouse.tenant_schemas, rowhouse.protection_events to rowhouse_control;

create function rowhouse.refuse_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '% is only added to.', tg_relid::regclass using errcode = 'RH046', hint = 'Add a row that says otherwise.';
end
$$;
create trigger refuse_change before update or delete or truncate on rowhouse.protection_events
  for each statement execute function rowhouse.refuse_change();
alter table rowhouse.protection_events enable always trigger refuse_change;

-- Lets this transaction past the guard (0015_guard.sql) until stay_behind_guard(). The setting names a line that the same
-- transaction wrote, so whoever sets it by hand has to leave one too.
create function rowhouse.go_past_guard(action text, target regclass, reason text) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  event_id bigint;
begin
  insert into rowhouse.protection_events (action, target, reason)
  values (go_past_guard.action, go_past_guard.target::text, coalesce(go_past_guard.reason, ''))
  returning id into event_id;
  perform set_config('rowhouse.protecting', event_id::text, true);
end
$$;

create function rowhouse.stay_behind_guard() returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('rowhouse.protecting', '', true);
end
$$;

create function rowhouse.is_past_guard() returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  event_id text := coalesce(current_setting('rowhouse.protecting', true), '');
begin
  if event_id !~ '^[0-9]{1,18}$' then
    return false;
  end if;
  -- By its key: every protect() adds a line, and every command of it asks.
  return exists (
    select from rowhouse.protection_events e
    where e.id = event_id::bigint and e.transaction_id = pg_current_xact_id_if_assigned()
  );
end
$$;

-- Whom a tenant comes as. service_role is not among them: its key is the application's own.
create function rowhouse.tenant_roles() returns text[]
  language sql immutable
  return '{rowhouse_app,anon,authenticated}'::text[];

-- The login of the home that a schema is, or null: then organizations share it.
create function rowhouse.home_login(namespace oid) returns name
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select s.login from pg_namespace n join rowhouse.tenant_schemas s on s.name = n.nspname where n.oid = namespace
$$;

-- Whom a tenant may come as to what is in a schema: the shared roles, and its login where it has one.
create function rowhouse.tenant_roles(namespace oid) returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select rowhouse.tenant_roles() || array(
    select r.rolname::text from pg_roles r
    where r.rolname = any (array[(select rowhouse.home_login(namespace)), 'rowhouse_tenant'])
  )
$$;

-- Whom protect() and share() grant to, as a list for GRANT: the login of a home, or the roles that organizations share.
create function rowhouse.grantees(target regclass) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(quote_ident(rowhouse.home_login(c.relnamespace)), 'rowhouse_app, authenticated, service_role')
  from pg_class c where c.oid = target
$$;

-- Relations of a schema, indexes apart. Through pg_depend, because pg_class has no index by schema: at 10,000 schemas reading
-- all of it for each one took most of a rollout.
create function rowhouse.relations_of(namespace oid) returns table (relation oid, is_new boolean)
  language sql stable
  set search_path = pg_catalog, pg_temp
  rows 100
as $$
  -- Created or moved here by this transaction: the dependency is as young.
  select d.objid, age(d.xmin) <= 0
  from pg_depend d
  where d.refclassid = 'pg_namespace'::regclass and d.refobjid = namespace and d.classid = 'pg_class'::regclass and d.deptype = 'n'
$$;

-- Functions and procedures of a schema. What only names the schema, as in the default of an argument, depends on it too.
create function rowhouse.functions_of(namespace oid) returns setof oid
  language sql stable
  set search_path = pg_catalog, pg_temp
  rows 20
as $$
  select distinct p.oid
  from pg_depend d join pg_proc p on p.oid = d.objid
  where d.refclassid = 'pg_namespace'::regclass and d.refobjid = namespace and d.classid = 'pg_proc'::regclass
    and p.pronamespace = namespace
$$;

create function rowhouse.is_tenant_schema(namespace oid) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select n.nspname not in ('rowhouse', 'rowhouse_home') and n.nspname !~ '^(pg_|information_schema$)' and (
    exists (select from rowhouse.tenant_schemas s where s.name = n.nspname)
    or exists (
      select from rowhouse.relations_of(n.oid) r join pg_policy p on p.polrelid = r.relation
      where p.polname = 'rowhouse_organization'
    )
  )
  from pg_namespace n where n.oid = namespace
$$;

-- In a home of its own a table holds rows of that organization only, whoever writes them. Elsewhere there is no such check.
create function rowhouse.give_home_check(target regclass) returns table (part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  wanted text := rowhouse.home_check_text(target);
  existing text;
begin
  -- With contypid, the whole key of an index: each home has a constraint of this name.
  select pg_get_constraintdef(k.oid) into existing
  from pg_constraint k where k.conrelid = target and k.contypid = 0 and k.conname = 'rowhouse_lives_here';
  if existing is not distinct from wanted then
    return;
  end if;
  if existing is not null then
    part := 'drop constraint rowhouse_lives_here';
    done := 'dropped rowhouse_lives_here';
    return next;
  end if;
  if wanted is not null then
    part := format('add constraint rowhouse_lives_here %s', wanted);
    done := 'only rows of the organization whose home it is may live here';
    return next;
  end if;
end
$$;

-- The check as Postgres deparses it; null where organizations share the schema.
create function rowhouse.home_check_text(target regclass) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select format('CHECK ((organization_id = %L::uuid))', s.organization_id)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join rowhouse.tenant_schemas s on s.name = n.nspname
  where c.oid = target and s.organization_id is not null
$$;

-- The first tenant role that has one of these privileges on a relation or on a column of it, or null.
create function rowhouse.tenant_reach(target oid, privileges text default 'select, insert, update, delete, truncate, references, trigger')
  returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select r.role
  from pg_class c cross join lateral unnest(rowhouse.tenant_roles(c.relnamespace)) r (role)
  where c.oid = target and (has_table_privilege(r.role, target, privileges)
    or has_any_column_privilege(r.role, target, case
      when privileges ~ 'select' then 'select, insert, update, references'
      when privileges ~ 'insert' then 'insert, update, references'
      else 'references'
    end))
  limit 1
$$;

-- What a tenant reaches, and neither row security nor a view's reader holds: of tables, foreign tables, materialized views
-- and views, whatever is not protected, shared, or a security_invoker view.
create function rowhouse.is_open(target oid) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select case
      when c.relkind not in ('r', 'p', 'f', 'm', 'v') then false
      when c.relkind = 'v' and coalesce(c.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}', false) then false
      when rowhouse.is_protected(c.oid) then false
      when exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') then false
      when c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'rowhouse_shared')
      then rowhouse.tenant_reach(c.oid, 'insert, update, delete, truncate, references, trigger') is not null
      else rowhouse.tenant_reach(c.oid) is not null
    end
  from pg_class c where c.oid = target
$$;

-- Default privileges that would hand a new table to a tenant role. Supabase's do, for every schema it exposes.
create function rowhouse.open_defaults()
  returns table (namespace text, creator name, grantee text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select n.nspname::text, pg_get_userbyid(d.defaclrole), case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end
  from pg_default_acl d
  join pg_namespace n on n.oid = d.defaclnamespace
  cross join lateral aclexplode(d.defaclacl) a
  where d.defaclobjtype = 'r' and rowhouse.is_tenant_schema(n.oid)
    and (a.grantee = 0 or pg_get_userbyid(a.grantee)::text = any (rowhouse.tenant_roles(n.oid)))
  group by 1, 2, 3
$$;

-- Takes such default privileges away where the caller may: those of roles that the caller can act as.
create function rowhouse.close_defaults() returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  default_acl record;
begin
  for default_acl in
    select d.namespace, d.creator, string_agg(case d.grantee when 'public' then 'public' else quote_ident(d.grantee) end, ', ' order by d.grantee) as grantees
    from rowhouse.open_defaults() d
    where pg_has_role(d.creator, 'USAGE')
    group by 1, 2
  loop
    execute format('alter default privileges for role %I in schema %I revoke all on tables from %s',
      default_acl.creator, default_acl.namespace, default_acl.grantees);
    return next format('new tables of %s in %s are not for %s', default_acl.creator, default_acl.namespace, default_acl.grantees);
  end loop;
end
$$;

-- Says that a schema is for tenants before it holds a protected table.
create function rowhouse.guard_schema(target regnamespace) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  schema_name name := (select n.nspname from pg_namespace n where n.oid = target);
begin
  if schema_name is null or schema_name ~ '^(pg_|information_schema$|rowhouse$|rowhouse_home$)' then
    raise exception 'There is no schema of tenants with the name %.', target using errcode = 'RH020';
  end if;
  if not rowhouse.is_tenant_schema(target) then
    return next format('%s is a schema of tenants', target);
  end if;
  insert into rowhouse.tenant_schemas (name) values (schema_name) on conflict do nothing;
  return query select * from rowhouse.close_defaults();
end
$$;

-- A table that belongs to no organization and that every actor may read, such as countries: SELECT for tenants, no more.
create function rowhouse.share(target regclass, reason text) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.check_protectable(target);
  if rowhouse.is_protected(target) or exists (
    select from pg_attribute a where a.attrelid = target and a.attname = 'organization_id' and not a.attisdropped)
  then
    raise exception '% belongs to organizations and cannot be shared between them.', target
      using errcode = 'RH047', hint = format('select rowhouse.protect(%L)', target);
  end if;
  perform rowhouse.go_past_guard('share', target, reason);
  if not exists (select from pg_policy p where p.polrelid = target and p.polname = 'rowhouse_shared') then
    execute format('create policy rowhouse_shared on %s for select to public using (true)', target);
    return next format('every actor may read %s', target);
  end if;
  execute format('alter table %s enable row level security', target);
  execute format('revoke all on %s from public, rowhouse_app, anon, authenticated', target);
  execute format('grant select on %s to %s', target, rowhouse.grantees(target));
  perform rowhouse.stay_behind_guard();
exception when check_violation then
  raise exception 'Say why % is shared.', target
    using errcode = 'RH023', hint = 'The reason is kept in rowhouse.protection_events.';
end
$$;

-- Takes protection away, on purpose: whoever owns the table may, with a reason that stays. Its rows, keys and
-- organization_id stay too; no tenant reaches it any more.
create function rowhouse.unprotect(target regclass, reason text) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  policy name;
  ours record;
begin
  perform rowhouse.check_protectable(target);
  if not exists (
    select from pg_policy p where p.polrelid = target and p.polname in ('rowhouse_organization', 'rowhouse_shared'))
  then
    return;
  end if;
  perform rowhouse.go_past_guard('unprotect', target, reason);
  execute format('revoke all on %s from public, rowhouse_app, anon, authenticated, service_role, %s', target, rowhouse.grantees(target));
  return next format('no tenant reaches %s', target);
  for policy in select p.polname from pg_policy p where p.polrelid = target and p.polname like 'rowhouse\_%' order by 1 loop
    execute format('drop policy %I on %s', policy, target);
    return next format('dropped policy %s', policy);
  end loop;
  for ours in
    select t.tgname as name, t.tgrelid::regclass as relation
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid and p.pronamespace = 'rowhouse'::regnamespace
    where t.tgrelid = any (array[target::oid] || array(select k.relid::oid from pg_partition_tree(target) k))
      and not t.tgisinternal and t.tgparentid = 0
    order by t.tgrelid <> target, t.tgrelid, t.tgname
  loop
    execute format('drop trigger %I on %s', ours.name, ours.relation);
    if ours.relation = target then
      return next format('dropped trigger %s', ours.name);
    end if;
  end loop;
  execute format('alter table %s no force row level security, disable row level security', target);
  perform rowhouse.stay_behind_guard();
exception when check_violation then
  raise exception 'Say why % is no longer to be protected.', target
    using errcode = 'RH023', hint = 'The reason is kept in rowhouse.protection_events.';
end
$$;

grant execute on function rowhouse.tenant_roles(), rowhouse.tenant_roles(oid), rowhouse.home_login(oid), rowhouse.relations_of(oid), rowhouse.is_tenant_schema(oid), rowhouse.tenant_reach(oid, text),
  rowhouse.is_open(oid), rowhouse.open_defaults() to rowhouse_control;
