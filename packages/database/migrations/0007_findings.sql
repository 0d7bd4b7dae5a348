-- Static findings: what in this database lets one organization reach another's rows, and the statement that mends it.
-- Rules read the catalogue only; they change nothing and look at no row of a tenant.

-- Functions of pg_catalog that one tenant could use on another through a shared login: large objects as a channel,
-- ending another's backend, and session-level advisory locks, which outlive the transaction on a pooled connection and
-- could hold another's fence. Transaction-level ones end with it, and applications use them: they stay. And what a
-- connection has prepared, whose texts and names are those of every organization that it served.
create function rowhouse.dangerous_functions() returns setof regprocedure
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select p.oid::regprocedure
  from pg_proc p
  where p.pronamespace = 'pg_catalog'::regnamespace
    and (
      p.proname in ('pg_terminate_backend', 'pg_cancel_backend', 'loread', 'lowrite', 'pg_prepared_statement')
      or p.proname like 'lo\_%'
      or p.proname ~ '^pg_(try_)?advisory_(un)?lock'
    )
  order by p.oid::regprocedure::text
$$;

-- Tables of tenants: whatever carries organization_id outside the catalogue. Partitions follow their parent.
create function rowhouse.tenant_tables()
  returns table (target regclass, secured boolean, forced boolean, owner oid)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relowner
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and not c.relispartition
    and n.nspname not in ('rowhouse', 'pg_catalog', 'information_schema')
    and n.nspname not like 'pg\_temp%'
    and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped)
$$;

create function rowhouse.findings()
  returns table (code text, severity text, object text, message text, fix text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with recursive reachable (role) as (
    select r.oid from pg_roles r where r.rolname = 'rowhouse_app'
    union
    select m.roleid from pg_auth_members m join reachable on reachable.role = m.member
  ), tables as (
    select t.target, t.secured, t.forced, t.owner from rowhouse.tenant_tables() t
  ), protected as (
    select t.target from tables t where rowhouse.is_protected(t.target)
  )
  select 'table_not_protected', 'error', t.target::text,
    format('The table %s has organization_id, but nothing keeps organizations apart.', t.target),
    format('select rowhouse.protect(%L)', t.target)
  from tables t
  where not rowhouse.is_protected(t.target)

  union all
  select 'rls_disabled', 'error', t.target::text, format('Row security of %s is off: its policies do nothing.', t.target),
    format('alter table %s enable row level security', t.target)
  from tables t where not t.secured and rowhouse.is_protected(t.target)

  union all
  select 'rls_not_forced', 'error', t.target::text, format('Row security of %s does not hold its owner.', t.target),
    format('alter table %s force row level security', t.target)
  from tables t where t.secured and not t.forced and rowhouse.is_protected(t.target)

  union all
  select 'policy_differs', 'error', p.polrelid::regclass::text,
    format('The policy rowhouse_organization of %s is not the one text that is proven.', p.polrelid::regclass),
    format('select rowhouse.protect(%L)', p.polrelid::regclass)
  from pg_policy p
  where p.polname = 'rowhouse_organization' and (
    p.polpermissive or p.polcmd <> '*' or p.polroles <> '{0}'
    or pg_get_expr(p.polqual, p.polrelid) is distinct from rowhouse.policy_text()
    or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from rowhouse.policy_text()
  )

  union all
  select 'change_log_missing', 'error', t.target::text,
    format('Writes to %s are not logged in every session.', t.target), format('select rowhouse.protect(%L)', t.target)
  from protected t
  where not exists (
      select from pg_trigger g
      where g.tgrelid = t.target and g.tgname = '!rowhouse_change_log' and g.tgenabled = 'A'
        and g.tgfoid = 'rowhouse.log_change()'::regprocedure
    )
    -- The sync engine's own tables say what happened to changes that are logged.
    and not exists (select from pg_class c where c.oid = t.target and c.relnamespace = to_regnamespace('rowhouse_home'))

  union all
  select 'key_without_organization', 'error', k.conrelid::regclass::text,
    format('The key %s does not begin with organization_id: it would tell one organization what another has.', k.conname),
    format('Make it (%s).', array_to_string(
      array_prepend('organization_id', array_remove(rowhouse.column_names(k.conrelid, k.conkey), 'organization_id')), ', '))
  from pg_constraint k join protected t on t.target = k.conrelid
  where k.contype in ('p', 'u') and (rowhouse.column_names(k.conrelid, k.conkey))[1] <> 'organization_id'

  union all
  select 'unique_index_without_organization', 'error', i.indexrelid::regclass::text,
    format('The unique index %s does not begin with organization_id.', i.indexrelid::regclass),
    'Put organization_id first in it.'
  from pg_index i join protected t on t.target = i.indrelid
  where i.indisunique
    and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
    and not exists (
      select from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attname = 'organization_id'
    )

  union all
  select 'reference_without_organization', 'error', f.conrelid::regclass::text,
    format('The foreign key %s lets a row of %s refer to a row of another organization.', f.conname, f.conrelid::regclass),
    format('Make it foreign key (organization_id, …) references %s (organization_id, …).', f.confrelid::regclass)
  from pg_constraint f join protected t on t.target = f.confrelid
  where f.contype = 'f'
    and coalesce(
      array_position(rowhouse.column_names(f.conrelid, f.conkey), 'organization_id')
        = array_position(rowhouse.column_names(f.confrelid, f.confkey), 'organization_id'),
      false
    ) is false

  union all
  select 'view_bypasses_rls', 'error', v.oid::regclass::text,
    format('The view %s reads %s as its owner, not as whoever asks.', v.oid::regclass, t.target),
    format('alter view %s set (security_invoker = true)', v.oid::regclass)
  from pg_class v
  join pg_rewrite w on w.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  join protected t on t.target = d.refobjid
  where v.relkind = 'v'
    and not coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}', false)
  group by v.oid, t.target

  union all
  select 'copy_of_rows', 'error', v.oid::regclass::text,
    format('The materialized view %s holds rows of %s without row security.', v.oid::regclass, t.target),
    format('drop materialized view %s, or revoke it from every tenant login', v.oid::regclass)
  from pg_class v
  join pg_rewrite w on w.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  join protected t on t.target = d.refobjid
  where v.relkind = 'm' and has_table_privilege('rowhouse_app', v.oid, 'select')
  group by v.oid, t.target

  union all
  select 'app_privilege', 'error', t.target::text,
    format('%s has %s on %s, which row security does not hold.', r.role, p.privilege, t.target),
    format('revoke %s on %s from %s, public', p.privilege, t.target, r.role)
  from protected t, unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) as p (privilege),
    unnest('{rowhouse_app,anon,authenticated}'::text[]) as r (role)
  where has_table_privilege(r.role, t.target, p.privilege)

  union all
  select 'login_bypasses_rls', 'error', r.rolname,
    format('rowhouse_app can act as %s, which row security does not hold.', r.rolname),
    case when r.rolname = 'rowhouse_app' then 'alter role rowhouse_app nosuperuser nobypassrls'
      else format('revoke %I from rowhouse_app', r.rolname) end
  from pg_roles r join reachable on reachable.role = r.oid
  where r.rolsuper or r.rolbypassrls or r.rolname in ('rowhouse_owner', 'rowhouse_control')

  union all
  select 'migrator_held_by_rls', 'warning', 'rowhouse_migrator',
    'rowhouse_migrator lacks BYPASSRLS: a backfill or a constraint may silently see no rows.',
    'alter role rowhouse_migrator bypassrls (before Postgres 16 as a superuser)'
  from pg_roles r where r.rolname = 'rowhouse_migrator' and not r.rolbypassrls and not r.rolsuper

  union all
  select 'public_function', 'warning', f::text,
    format('Everybody may call %s, which reaches across organizations that share a login.', f),
    format('revoke execute on function pg_catalog.%s from public', f)
  from rowhouse.dangerous_functions() f
  where has_function_privilege('public', f::oid, 'execute')

  union all
  select 'public_function', 'error', p.oid::regprocedure::text,
    format('Everybody may call %s.', p.oid::regprocedure), format('revoke execute on function %s from public', p.oid::regprocedure)
  from pg_proc p
  where p.pronamespace = 'rowhouse'::regnamespace and has_function_privilege('public', p.oid, 'execute')

  union all
  select 'public_temporary', 'warning', current_database(),
    'Everybody may make temporary tables here; one can stand in for a table of the same name.',
    format('revoke temporary on database %I from public', current_database())
  from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
  where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'TEMPORARY'

  union all
  select 'app_creates', 'error', n.nspname,
    format('rowhouse_app may create in the schema %I: what one organization puts there can stand in for what another calls.', n.nspname),
    format('revoke create on schema %I from rowhouse_app, public', n.nspname)
  from pg_namespace n where has_schema_privilege('rowhouse_app', n.oid, 'create')

  union all
  select 'users_not_mirrored', 'warning', 'auth.users',
    'auth.users does not feed rowhouse.users: people who sign up are not known, and who is deleted stays a member.',
    'select rowhouse.mirror_auth_users()'
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'auth' and c.relname = 'users' and c.relkind in ('r', 'p') and not exists (
    select from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'rowhouse_mirror_user' and g.tgenabled in ('O', 'A'))

  union all
  select 'queries_visible', 'warning', 'rowhouse_app',
    'The queries of rowhouse_app are visible in pg_stat_activity to other sessions of the same login.',
    'alter role rowhouse_app set track_activities = off (as a superuser)'
  from pg_roles r where r.rolname = 'rowhouse_app' and not coalesce(r.rolconfig && '{track_activities=off}', false)

  order by 2, 1, 3
$$;
