-- A home of its own, seen from the database it is in: the schema of one organization, and the login that comes there and
-- nowhere else. Who makes homes, and in which order, is packages/fleet/src/provision; here is what must hold in each.

-- What rowhouse_app may do in Rowhouse's own schemas, for another role: the group rowhouse_tenant, whose members the logins of
-- schemas are, or the one login of a database. The doors of others are not among it: a home has its own. Runs at every
-- install, after the migrations, as whoever installs; it says nothing and does nothing where nothing is missing.
create function rowhouse.give_tenant_access(grantee name) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  statement text;
begin
  for statement in
    select format('grant usage on schema %I to %I', n.nspname, grantee)
    from pg_namespace n
    where n.nspname in ('rowhouse', 'rowhouse_home') and not has_schema_privilege(grantee, n.oid, 'usage')
    union all
    select format('grant %s on %s to %I', string_agg(distinct a.privilege_type, ', '), c.oid::regclass, grantee)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('rowhouse', 'rowhouse_home')
    cross join lateral aclexplode(c.relacl) a
    where c.relkind in ('r', 'p', 'v') and a.grantee = 'rowhouse_app'::regrole
      and not has_table_privilege(grantee, c.oid, a.privilege_type)
    group by c.oid
    union all
    select format('grant %s (%I) on %s to %I', a.privilege_type, t.attname, c.oid::regclass, grantee)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('rowhouse', 'rowhouse_home')
    join pg_attribute t on t.attrelid = c.oid
    cross join lateral aclexplode(t.attacl) a
    where a.grantee = 'rowhouse_app'::regrole and not has_column_privilege(grantee, c.oid, t.attname, a.privilege_type)
    union all
    select format('grant execute on function %s to %I', p.oid::regprocedure, grantee)
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace and n.nspname in ('rowhouse', 'rowhouse_home')
    cross join lateral aclexplode(p.proacl) a
    where a.grantee = 'rowhouse_app'::regrole and p.proname not in ('enter', 'enter_with_settings', 'enter_catalogue', 'placement', 'placement_changes', 'standby_homes')
      and not has_function_privilege(grantee, p.oid, 'execute')
    union all
    select format('alter policy %I on %s to %s, %I', p.polname, p.polrelid::regclass,
      (select string_agg(r::regrole::text, ', ') from unnest(p.polroles) r), grantee)
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('rowhouse', 'rowhouse_home')
    where 'rowhouse_app'::regrole = any (p.polroles) and not grantee::regrole = any (p.polroles)
  loop
    execute statement;
  end loop;
end
$$;

-- Says that a schema is the home of one organization, with a login of its own. Before the tenant migrations run there, so that
-- protect() grants to that login from the start.
create function rowhouse.register_home(schema_name name, login name, organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regnamespace(quote_ident(schema_name)) is null or not exists (select from pg_roles r where r.rolname = login) then
    raise exception 'There is no schema % or no login %.', schema_name, login using errcode = 'RH020';
  end if;
  insert into rowhouse.tenant_schemas as s (name, login, organization_id) values (schema_name, login, organization)
  on conflict (name) do update set login = excluded.login, organization_id = excluded.organization_id
  where (s.login, s.organization_id) is distinct from (excluded.login, excluded.organization_id);
  execute format('grant usage on schema %I to %I', schema_name, login);
end
$$;

-- After tenant migrations have run in a home: what they gave to the roles that organizations share goes to its login, nobody
-- else keeps any of it, and every protected table has its check. Says what it did; nothing where nothing was to do.
create function rowhouse.settle_home(schema_name name) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  home oid := to_regnamespace(quote_ident(schema_name));
  login name := rowhouse.home_login(home);
  event_id bigint;
  target regclass;
  step record;
  parts text[];
  lines text[];
begin
  if login is null then
    raise exception 'The schema % is not the home of one organization.', schema_name using errcode = 'RH020';
  end if;
  insert into rowhouse.protection_events (action, target, reason) values ('settle', schema_name, 'home of one organization')
  returning id into event_id;
  perform set_config('rowhouse.protecting', event_id::text, true);
  for step in
    with relations as materialized (
      select c.oid as id, c.relkind as kind, c.relacl as acl from rowhouse.relations_of(home) r join pg_class c on c.oid = r.relation
    ), grants (kind, name, privilege, columns, grantee) as (
      select case r.kind when 'S' then 'sequence' else 'table' end, r.id::regclass::text, a.privilege_type, null, a.grantee
      from relations r cross join lateral aclexplode(r.acl) a
      where r.kind in ('r', 'p', 'v', 'm', 'f', 'S')
      union all
      select 'table', r.id::regclass::text, a.privilege_type, quote_ident(t.attname), a.grantee
      from relations r
      join pg_attribute t on t.attrelid = r.id and t.attacl is not null
      cross join lateral aclexplode(t.attacl) a
      union all
      select case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure::text, a.privilege_type, null, a.grantee
      from rowhouse.functions_of(home) f
      join pg_proc p on p.oid = f
      cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where p.prokind in ('f', 'p', 'w')
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    ), theirs as (
      select g.*, case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end as role
      from grants g
      where g.grantee = 0 or pg_get_userbyid(g.grantee) in ('rowhouse_app', 'rowhouse_tenant', 'anon', 'authenticated', 'service_role')
    )
    -- What only strangers to every organization had, or the key of the application, is no tenant's.
    select format('grant %s%s on %s %s to %I', t.privilege, ' (' || t.columns || ')', t.kind, t.name, login) as statement
    from theirs t
    where t.role in ('public', 'rowhouse_app', 'authenticated') and not (t.privilege in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'))
    union
    select format('revoke %s%s on %s %s from %s', t.privilege, ' (' || t.columns || ')', t.kind, t.name, t.role)
    from theirs t
    order by 1
  loop
    execute step.statement;
    return next step.statement;
  end loop;
  for step in
    select format('revoke %s on schema %I from %s', a.privilege_type, schema_name,
      case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end) as statement
    from pg_namespace n cross join lateral aclexplode(n.nspacl) a
    where n.oid = home and pg_has_role(n.nspowner, 'USAGE')
      and (a.grantee = 0 or pg_get_userbyid(a.grantee) in ('rowhouse_app', 'rowhouse_tenant', 'anon', 'authenticated', 'service_role'))
  loop
    execute step.statement;
    return next step.statement;
  end loop;
  for target in
    select c.oid::regclass from rowhouse.relations_of(home) r join pg_class c on c.oid = r.relation
    where c.relkind in ('r', 'p') and not c.relispartition and rowhouse.is_protected(c.oid)
    order by c.relname
  loop
    select array_agg(g.part), array_agg(format('%s: %s', target, g.done)) into parts, lines from rowhouse.give_home_check(target) g;
    continue when parts is null;
    perform rowhouse.alter_at_once(target, parts);
    return query select unnest(lines);
  end loop;
  return query select * from rowhouse.close_defaults();
  perform rowhouse.stay_behind_guard();
end
$$;

-- Takes a home of a schema away, with all that is in it. That nobody lives there is for the caller to know: the catalogue says.
create function rowhouse.forget_home(schema_name name) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if schema_name !~ '^h_[0-9a-f]{16}$' then
    raise exception 'The schema % is not the home of one organization.', schema_name using errcode = 'RH020';
  end if;
  execute format('drop schema if exists %I cascade', schema_name);
  delete from rowhouse.tenant_schemas s where s.name = schema_name;
  if to_regclass('rowhouse.applied_tenant_migrations') is not null then
    delete from rowhouse.applied_tenant_migrations m where m.schema_name = forget_home.schema_name;
  end if;
end
$$;

-- What is not as least privilege demands in a home, read from the catalogue as it is now; no row when all is well. A home has
-- a database to itself when its schema is public.
create function rowhouse.home_problems(schema_name name)
  returns table (code text, object text, message text, fix text)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  home oid := to_regnamespace(quote_ident(schema_name));
  login name;
  login_id oid;
  organization uuid;
  alone boolean := schema_name = 'public';
begin
  select s.login, s.organization_id, r.oid into login, organization, login_id
  from rowhouse.tenant_schemas s left join pg_roles r on r.rolname = s.login
  where s.name = schema_name;
  if login is null or home is null or login_id is null then
    return query select 'home_incomplete', schema_name::text,
      format('The home %s has no %s.', schema_name, case when home is null then 'schema' else 'login' end),
      'A worker finishes or drops it.';
    return;
  end if;

  return query
  select 'home_login_attribute', login::text, format('%s is %s.', login, a.attribute), format('alter role %I %s', login, a.mend)
  from pg_roles r
  cross join lateral (values
    (r.rolsuper, 'a superuser', 'nosuperuser'), (r.rolbypassrls, 'past row security', 'nobypassrls'),
    (r.rolcreaterole, 'able to make roles', 'nocreaterole'), (r.rolcreatedb, 'able to make databases', 'nocreatedb'),
    (r.rolreplication, 'able to replicate', 'noreplication'), (not r.rolcanlogin, 'not able to log in', 'login')
  ) a (is_so, attribute, mend)
  where r.oid = login_id and a.is_so

  union all
  select 'home_login_member', login::text, format('%s is a member of %s.', login, g.rolname), format('revoke %I from %I', g.rolname, login)
  from pg_auth_members m join pg_roles g on g.oid = m.roleid
  where m.member = login_id and (alone or g.rolname <> 'rowhouse_tenant')

  union all
  select 'home_login_member', login::text, format('%s can act as %s.', g.rolname, login), format('revoke %I from %I', login, g.rolname)
  from pg_auth_members m join pg_roles g on g.oid = m.member
  where m.roleid = login_id and (g.rolname = any (rowhouse.tenant_roles()) or g.rolname ~ '^rowhouse_h_[0-9a-f]{16}$')

  -- Every privilege of a role, of any object in any database, has a line here; so has everything that it owns.
  union all
  select 'home_login_elsewhere', coalesce(
      case when d.dbid in (0, current.oid) then pg_describe_object(d.classid, d.objid, d.objsubid) end,
      'database ' || coalesce((select b.datname from pg_database b where b.oid = d.dbid), d.dbid::text)),
    format('%s %s %s, which is not in its home.', login, case d.deptype when 'o' then 'owns' else 'has privileges on' end,
      case when d.dbid in (0, current.oid) then pg_describe_object(d.classid, d.objid, d.objsubid)
        else 'something in the database ' || coalesce((select b.datname from pg_database b where b.oid = d.dbid), d.dbid::text) end),
    format('drop owned by %I, in that database', login)
  from pg_shdepend d
  cross join (select b.oid from pg_database b where b.datname = current_database()) current
  where d.refclassid = 'pg_authid'::regclass and d.refobjid = login_id
    and case
      when d.deptype = 'o' then true
      when d.classid = 'pg_database'::regclass then d.objid <> current.oid
      when d.dbid <> current.oid then true
      else (case d.classid
        when 'pg_namespace'::regclass then d.objid
        when 'pg_class'::regclass then (select c.relnamespace from pg_class c where c.oid = d.objid)
        when 'pg_proc'::regclass then (select p.pronamespace from pg_proc p where p.oid = d.objid)
        when 'pg_type'::regclass then (select t.typnamespace from pg_type t where t.oid = d.objid)
        when 'pg_policy'::regclass then
          (select c.relnamespace from pg_policy p join pg_class c on c.oid = p.polrelid where p.oid = d.objid)
        when 'pg_default_acl'::regclass then (select a.defaclnamespace from pg_default_acl a where a.oid = d.objid)
      end in (home, case when alone then 'rowhouse'::regnamespace end, case when alone then 'rowhouse_home'::regnamespace end)) is not true
    end

  union all
  select 'home_search_path', login::text, format('What %s names without a schema is not looked for in %s alone.', login, schema_name),
    format('alter role %I in database %I set search_path = %I, pg_temp', login, current_database(), schema_name)
  where not exists (
    select from pg_db_role_setting s join pg_database b on b.oid = s.setdatabase and b.datname = current_database()
    where s.setrole = login_id and s.setconfig @> array[format('search_path=%I, pg_temp', schema_name)])

  union all
  select 'home_open', schema_name::text, format('%s has %s on the schema %s.', x.role, x.privilege, schema_name),
    format('revoke %s on schema %I from %s', x.privilege, schema_name, x.role)
  from (
    select case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end as role, a.privilege_type as privilege
    from pg_namespace n cross join lateral aclexplode(n.nspacl) a where n.oid = home
  ) x
  where x.role in ('public', 'rowhouse_app', 'rowhouse_tenant', 'anon', 'authenticated', 'service_role')
    or (x.role ~ '^rowhouse_h_[0-9a-f]{16}$' and (x.role <> login or x.privilege <> 'USAGE'))
  union all
  select 'home_closed', schema_name::text, format('%s has no USAGE on the schema %s.', login, schema_name),
    format('grant usage on schema %I to %I', schema_name, login)
  where not has_schema_privilege(login, home, 'usage')

  union all
  select 'home_open', x.name, format('%s has privileges on %s, which is in the home of one organization.', x.role, x.name),
    format('select * from rowhouse.settle_home(%L)', schema_name)
  from (
    select distinct c.oid::regclass::text as name, case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end as role
    from rowhouse.relations_of(home) r
    join pg_class c on c.oid = r.relation
    left join pg_attribute t on t.attrelid = c.oid and t.attacl is not null
    cross join lateral (select * from aclexplode(c.relacl) union all select * from aclexplode(t.attacl)) a
    union
    select p.oid::regprocedure::text, case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end
    from rowhouse.functions_of(home) f
    join pg_proc p on p.oid = f
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  ) x
  where x.role in ('public', 'rowhouse_app', 'rowhouse_tenant', 'anon', 'authenticated', 'service_role')
    or (x.role ~ '^rowhouse_h_[0-9a-f]{16}$' and x.role <> login)

  union all
  select 'home_check_missing', c.oid::regclass::text,
    format('%s could hold rows of other organizations than the one whose home it is in.', c.oid::regclass),
    format('select * from rowhouse.settle_home(%L)', schema_name)
  from rowhouse.relations_of(home) r join pg_class c on c.oid = r.relation
  where c.relkind in ('r', 'p') and not c.relispartition and rowhouse.is_protected(c.oid)
    and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contypid = 0 and k.conname = 'rowhouse_lives_here' and k.convalidated
      and pg_get_constraintdef(k.oid) = rowhouse.home_check_text(c.oid));

  if not alone then
    return;
  end if;

  -- A database to itself: what CREATE DATABASE gives to everybody, and what a template may have left.
  return query
  select 'home_database_open', current_database()::text, format('%s has %s on the database %I.', x.role, x.privilege, current_database()),
    format('revoke %s on database %I from %s', x.privilege, current_database(), x.role)
  from (
    select case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end as role, a.privilege_type as privilege
    from pg_database b cross join lateral aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) a
    where b.datname = current_database()
  ) x
  where x.role in ('public', 'rowhouse_app', 'rowhouse_tenant', 'anon', 'authenticated', 'service_role')
    or (x.role = 'authenticator' and to_regnamespace('auth') is null)
    or (x.role ~ '^rowhouse_h_[0-9a-f]{16}$' and (x.role <> login or x.privilege <> 'CONNECT'))
  union all
  select 'home_closed', current_database()::text, format('%s may not connect to the database %I.', login, current_database()),
    format('grant connect on database %I to %I', current_database(), login)
  where not has_database_privilege(login, current_database(), 'connect')
  union all
  select 'home_leftover', 'rowhouse.organizations', format('The organization %s lives elsewhere.', o.id),
    'Drop the home; it was made from a database that was in use.'
  from rowhouse.organizations o where o.id <> organization
  union all
  select 'home_leftover', 'rowhouse.keys', format('The database has %s.', w.what), 'rowhouse install, with the URL of that database'
  from (
    select 'the identity of the database ' || b.name as what from rowhouse.database b where b.name <> current_database()
    union all
    select 'no keys' where not exists (select from rowhouse.keys)
  ) w
  union all
  select 'home_leftover', 'rowhouse.tenant_schemas', format('The schema %I is the home of another organization.', s.name), 'Drop the home.'
  from rowhouse.tenant_schemas s where s.name <> schema_name and s.login is not null
  union all
  select 'home_leftover', 'large objects', format('%s large objects are there.', count(*)), 'Drop the home; its template holds data.'
  from pg_largeobject_metadata having count(*) > 0;
end
$$;

revoke all on function
  rowhouse.give_tenant_access(name), rowhouse.register_home(name, name, uuid), rowhouse.settle_home(name),
  rowhouse.forget_home(name), rowhouse.home_problems(name)
  from public;
grant execute on function rowhouse.register_home(name, name, uuid), rowhouse.settle_home(name) to rowhouse_migrator;
grant execute on function rowhouse.home_problems(name) to rowhouse_control, rowhouse_migrator;
