-- Static findings: what in this database lets one organization reach another's rows, and the statement that mends it.
-- Rules read the catalogue only; they change nothing and look at no row of a tenant. Long because it is one list.

-- Functions of pg_catalog that one tenant could use on another through a shared login: large objects as a channel,
-- ending another's backend, and session-level advisory locks, which outlive the transaction on a pooled connection and
-- could hold another's fence. Transaction-level ones end with it, and applications use them: they stay, and the keys of
-- organizations' locks are secret, so the list of locks that are held is for who keeps the database. And what a connection
-- has prepared, whose texts and names are those of every organization that it served.
create function rowhouse.dangerous_functions() returns setof regprocedure
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select p.oid::regprocedure
  from pg_proc p
  where p.pronamespace = 'pg_catalog'::regnamespace
    and (
      p.proname in ('pg_terminate_backend', 'pg_cancel_backend', 'loread', 'lowrite', 'pg_prepared_statement', 'pg_lock_status')
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

-- The rules that `rowhouse verify` has for what Rowhouse made, as one query. Each is a folder with a schema that breaks
-- it, what must be found there, and its documentation; `npm run generate` writes them here. What only the guard knows to
-- ask comes with it, in 0015_guard.sql.
set local check_function_bodies = off;
create function rowhouse.findings()
  returns table (code text, severity text, object text, message text, fix text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  -- The rules, composed: packages/verify/src/findings/rules. Do not edit between these lines.
  with recursive
  settings (rowhouse, supabase) as (
    select true, to_regnamespace('auth') is not null
  ),
  schemas (oid, name) as (
    select n.oid, n.nspname from pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rowhouse')
  ),
  -- The schema of an organization holds protected tables: the policy keeps those apart as well.
  tenant_schemas (oid, name) as (
    select n.oid, n.nspname from pg_namespace n where false
  ),
  tenant_databases (oid, name) as (
    select d.oid, d.datname from pg_database d where false
  ),
  roles (oid, name) as (
    select r.oid, r.rolname from pg_roles r where r.rolname in ('rowhouse_app', 'anon', 'authenticated')
  ),
  model_tables (oid, att, root, protected) as (
    select t.target::oid, a.attnum, false, rowhouse.is_protected(t.target)
    from rowhouse.tenant_tables() t
    join pg_attribute a on a.attrelid = t.target and a.attname = 'organization_id' and not a.attisdropped
  ),
  -- What a tenant role can become. Attributes (superuser, BYPASSRLS) need SET ROLE, privileges are inherited as well.
  reach (start, role, settable) as (
    select r.oid, r.oid, true from roles r
    union
    select h.start, m.roleid, h.settable and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
    from reach h join pg_auth_members m on m.member = h.role
  ),
  tables as (
    select c.oid, c.oid::regclass::text as name, c.relnamespace as schema, a.attnum as att, a.attname as col,
      a.atttypid as type, a.attnotnull as required, m.root, c.relkind as kind, c.relowner as owner,
      c.relrowsecurity as rls, c.relforcerowsecurity as forced,
      c.relispartition or exists (select from pg_inherits i where i.inhrelid = c.oid) as child,
      m.protected,
      -- A role without any privilege reads nothing, whatever the policies say.
      exists (
        select from reach h
        where has_table_privilege(h.role, c.oid, 'select, insert, update, delete')
          or has_any_column_privilege(h.role, c.oid, 'select, insert, update')
      ) as reachable,
      -- As the deparsed text of an expression writes it.
      '\m' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '\M' as mention
    from model_tables m
    join pg_class c on c.oid = m.oid
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = m.att
  ),
  all_policies as (
    select p.oid, p.polrelid as tbl, p.polname as name, p.polcmd as cmd, p.polpermissive as permissive, p.polroles as roles,
      pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as chk,
      (p.polroles = '{0}' or exists (select from reach h where h.role = any (p.polroles))) as applies,
      -- Whether it holds every tenant role.
      (p.polroles = '{0}' or not exists (
        select from roles r
        where not exists (select from reach h where h.start = r.oid and h.role = any (p.polroles))
      )) as complete
    from pg_policy p
  ),
  policies as (
    select p.*, t.name as tbl_name, t.col, t.att, t.type, t.mention, t.root,
      -- A restrictive policy that holds everybody and reads the tenant column makes the permissive ones a matter inside
      -- the organization.
      exists (
        select from all_policies g
        where g.tbl = p.tbl and not g.permissive and g.complete and g.cmd in ('*', p.cmd)
          and coalesce(g.qual, g.chk) ~ t.mention
      ) as guarded
    from all_policies p
    join tables t on t.oid = p.tbl
    where p.applies
  ),
  -- Functions that run as their owner when a tenant role calls them or writes a table: a trigger asks nobody for EXECUTE.
  -- What is written in another language than SQL is read for the SQL in it.
  definers as (
    select p.oid, p.oid::regprocedure::text as name, p.prosrc as source, p.proconfig as config, p.proowner as owner,
      p.pronamespace as schema, p.prorettype as returns,
      has_function_privilege('public', p.oid, 'execute') as open,
      lower(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) as body,
      -- A policy or a default executes also what lies in a schema that callers may not use.
      exists (
        select from roles r where has_function_privilege(r.oid, p.oid, 'execute') and has_schema_privilege(r.oid, p.pronamespace, 'usage')
      ) as callable
    from pg_proc p
    join schemas s on s.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang and l.lanname not in ('c', 'internal')
    where p.prosecdef
      and (
        exists (select from roles r where has_function_privilege(r.oid, p.oid, 'execute'))
        or p.prorettype = 'trigger'::regtype and exists (
          select from pg_trigger g join reach h on has_table_privilege(h.role, g.tgrelid, 'insert, update, delete, truncate')
            or has_any_column_privilege(h.role, g.tgrelid, 'insert, update')
          where g.tgfoid = p.oid and not g.tgisinternal
        )
      )
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  )
  select 'table_not_protected', r.severity, r.object, r.message, r.fix
  from ( -- V0001
    select 'error' as severity, 'table' as kind, t.oid::regclass::text as object,
      format('The table %s has organization_id, but nothing keeps organizations apart.', t.oid::regclass) as message,
      format('select rowhouse.protect(%L)', t.oid::regclass) as fix
    from model_tables t
    where not t.protected
  ) r

  union all
  select 'policy_differs', r.severity, r.object, r.message, r.fix
  from ( -- V0002
    select 'error' as severity, 'table' as kind, p.polrelid::regclass::text as object,
      format('The policy rowhouse_organization of %s is not the one text that is proven.', p.polrelid::regclass) as message,
      format('select rowhouse.protect(%L)', p.polrelid::regclass) as fix
    from pg_policy p
    where p.polname = 'rowhouse_organization' and (
      p.polpermissive or p.polcmd <> '*' or p.polroles <> '{0}'
      or pg_get_expr(p.polqual, p.polrelid) is distinct from rowhouse.policy_text()
      or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from rowhouse.policy_check_text()
    )
  ) r

  union all
  select 'change_log_missing', r.severity, r.object, r.message, r.fix
  from ( -- V0003
    select 'error' as severity, 'table' as kind, t.oid::regclass::text as object,
      format('Writes to %s are not logged in every session.', t.oid::regclass) as message,
      format('select rowhouse.protect(%L)', t.oid::regclass) as fix
    from model_tables t
    where t.protected
      and not rowhouse.is_logged(t.oid)
      -- The sync engine's own tables say what happened to changes that are logged.
      and not exists (select from pg_class c where c.oid = t.oid and c.relnamespace = to_regnamespace('rowhouse_home'))
  ) r

  union all
  select 'rls_disabled', r.severity, r.object, r.message, r.fix
  from ( -- V0101
    select 'error' as severity, 'table' as kind, t.name as object,
      case when t.root then format('Row security of %s is off: every tenant sees all tenants.', t.name)
        else format('Row security of %s is off: %s', t.name,
          case when exists (select from all_policies p where p.tbl = t.oid) then 'its policies do nothing.'
            else 'every tenant sees the rows of all.' end) end as message,
      format('alter table %s enable row level security', t.name) as fix
    from tables t
    where not t.rls and not t.child and t.kind in ('r', 'p') and t.schema not in (select oid from tenant_schemas)
      and case when t.protected is null then t.reachable else t.protected end
  ) r

  union all
  select 'rls_not_forced', r.severity, r.object, r.message, r.fix
  from ( -- V0102
    select 'error' as severity, 'table' as kind, t.name as object,
      format('Row security of %s does not hold its owner%s.', t.name,
        (select min(format(', whom %I can act as', r.name)) from reach h join roles r on r.oid = h.start where h.role = t.owner)) as message,
      format('alter table %s force row level security', t.name) as fix
    from tables t
    where t.rls and not t.forced and not t.child
      and (t.protected or (t.protected is null and exists (select from reach h where h.role = t.owner)))
  ) r

  union all
  select 'login_bypasses_rls', r.severity, r.object, r.message, r.fix
  from ( -- V0104
    select 'error' as severity, 'role' as kind, r.rolname::text as object,
      format('%s can act as %I, which row security does not hold%s.',
        string_agg(distinct quote_ident(s.name::text), ', '), r.rolname,
        case when r.rolsuper then ': it is a superuser' when r.rolreplication then ': it may replicate' else '' end) as message,
      case when bool_or(r.oid = s.oid) then format('alter role %I nosuperuser nobypassrls noreplication', r.rolname)
        else format('revoke %I from %s', r.rolname, string_agg(distinct quote_ident(s.name::text), ', ')) end as fix
    from reach h
    join pg_roles r on r.oid = h.role
    join roles s on s.oid = h.start
    where (h.settable and (r.rolsuper or r.rolbypassrls or r.rolreplication)) or r.rolname in ('rowhouse_owner', 'rowhouse_control')
    group by r.oid, r.rolname, r.rolsuper, r.rolreplication
  ) r

  union all
  select 'predefined_role_reachable', r.severity, r.object, r.message, r.fix
  from ( -- V0106
    select 'error' as severity, 'role' as kind, r.rolname::text as object,
      format('%s is a member of %s, which reaches %s.', string_agg(distinct quote_ident(s.name::text), ', '), r.rolname,
        case when r.rolname ~ '(server|program)' then 'the files and programs of the server'
          when r.rolname = 'pg_signal_backend' then 'other sessions' when r.rolname ~ '(monitor|stats|settings)' then 'what other sessions do'
          else 'every table without row security' end) as message,
      format('revoke %s from %s', r.rolname, string_agg(distinct quote_ident(s.name::text), ', ')) as fix
    from reach h
    join pg_roles r on r.oid = h.role
    join roles s on s.oid = h.start
    where r.rolname ~ '^pg_' and r.rolname not in ('pg_database_owner', 'pg_use_reserved_connections')
    group by r.rolname
  ) r

  union all
  select 'app_creates', r.severity, r.object, r.message, r.fix
  from ( -- V0107
    select 'error' as severity, 'schema' as kind, n.nspname::text as object,
      format('%s may create in the schema %I: what one organization puts there can stand in for what another calls.',
        string_agg(r.name, ', ' order by r.name), n.nspname) as message,
      format('revoke create on schema %I from %s, public', n.nspname, string_agg(quote_ident(r.name::text), ', ' order by r.name)) as fix
    from pg_namespace n, roles r
    where has_schema_privilege(r.oid, n.oid, 'create') and n.nspname !~ '^pg_(toast|temp)'
      -- Who owns the schema is another finding.
      and not exists (select from reach h where h.start = r.oid and h.role = n.nspowner)
    group by n.oid, n.nspname
  ) r

  union all
  select 'migrator_held_by_rls', r.severity, r.object, r.message, r.fix
  from ( -- V0109
    select 'warning' as severity, 'role' as kind, 'rowhouse_migrator' as object,
      'rowhouse_migrator lacks BYPASSRLS: a backfill or a constraint may silently see no rows.' as message,
      'alter role rowhouse_migrator bypassrls (before Postgres 16 as a superuser)' as fix
    from pg_roles r
    where r.rolname = 'rowhouse_migrator' and not r.rolbypassrls and not r.rolsuper
  ) r

  union all
  select 'queries_visible', r.severity, r.object, r.message, r.fix
  from ( -- V0110
    select 'warning' as severity, 'role' as kind, 'rowhouse_app' as object,
      'The queries of rowhouse_app are visible in pg_stat_activity to other sessions of the same login.' as message,
      'alter role rowhouse_app set track_activities = off (as a superuser)' as fix
    from pg_roles r
    where r.rolname = 'rowhouse_app' and not coalesce(r.rolconfig && '{track_activities=off}', false)
  ) r

  union all
  select 'public_temporary', r.severity, r.object, r.message, r.fix
  from ( -- V0111
    select 'warning' as severity, 'database' as kind, current_database()::text as object,
      'Everybody may make temporary tables here; one can stand in for a table of the same name.' as message,
      format('revoke temporary on database %I from public', current_database()) as fix
    from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'TEMPORARY'
  ) r

  union all
  select 'public_function', r.severity, r.object, r.message, r.fix
  from ( -- V0113
    select 'warning' as severity, 'function' as kind, f::text as object,
      format('Everybody may call %s, which reaches across organizations that share a login.', f) as message,
      format('revoke execute on function pg_catalog.%s from public', f) as fix
    from rowhouse.dangerous_functions() f
    where has_function_privilege('public', f::oid, 'execute')
    union all
    select 'error', 'function', p.oid::regprocedure::text,
      format('Everybody may call %s.', p.oid::regprocedure), format('revoke execute on function %s from public', p.oid::regprocedure)
    from pg_proc p
    where p.pronamespace = 'rowhouse'::regnamespace and has_function_privilege('public', p.oid, 'execute')
  ) r

  union all
  select 'policy_always_true', r.severity, r.object, r.message, r.fix
  from ( -- V0202
    select case when t.cmd = 'r' and t.root then 'warning' else 'error' end as severity, 'policy' as kind,
      format('%I on %s', t.name, t.tbl_name) as object,
      format('The policy %I lets %s of %s: its condition is true for every row.', t.name,
        case t.cmd when 'r' then 'every tenant read every row' when 'w' then 'every tenant change every row'
          when 'd' then 'every tenant delete every row' else 'every tenant read and write every row' end, t.tbl_name) as message,
      case when t.col is null then 'Compare the row with the tenant of the request.'
        else format('Compare %I with the tenant of the request: using (%I = (select …)).', t.col, t.col) end as fix
    from policies t
    where t.permissive and not t.guarded and t.cmd <> 'a' and t.qual = 'true'
  ) r

  union all
  select 'check_always_true', r.severity, r.object, r.message, r.fix
  from ( -- V0203
    select 'error' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
      format('The policy %I lets every tenant write rows of any tenant into %s: its check is true.', t.name, t.tbl_name) as message,
      case when t.col is null then 'Check the row against the tenant of the request.'
        else format('Check %I: with check (%I = (select …)).', t.col, t.col) end as fix
    from policies t
    where t.permissive and not t.guarded and t.chk = 'true' and t.cmd in ('a', 'w', '*')
      -- Anybody may found an organization.
      and not (t.root and t.cmd = 'a')
  ) r

  union all
  select 'policy_ignores_row', r.severity, r.object, r.message, r.fix
  from ( -- V0204
    select 'error' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
      format('The policy %I does not look at the row: whoever passes it sees every tenant''s rows of %s. It reads: %s', t.name,
        t.tbl_name, left(t.qual, 300)) as message,
      case when t.col is null then 'Compare the row with the tenant of the request.'
        else format('Compare %I with the tenant of the request as well.', t.col) end as fix
    from policies t
    where t.permissive and not t.guarded and t.cmd <> 'a' and t.qual <> 'true' and t.qual <> 'false'
      -- Nothing of the row: no column of the table is named anywhere in it.
      and not exists (
        select from pg_attribute a
        where a.attrelid = t.tbl and a.attnum > 0 and not a.attisdropped
          and t.qual ~ ('\m' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '\M')
      )
      and t.qual !~* '(service_role|rolbypassrls|is_super_?admin|is_platform_admin)'
  ) r

  union all
  select 'policy_ignores_tenant', r.severity, r.object, r.message, r.fix
  from ( -- V0205
    select 'warning' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
      format('The policy %I does not read %s: rows of other tenants that match are seen. It reads: %s', t.name, t.col,
        left(t.qual, 300)) as message,
      format('Compare %I with the tenant of the request as well.', t.col) as fix
    from policies t
    where t.permissive and not t.guarded and t.cmd <> 'a' and not t.root and t.col is not null
      and t.qual not in ('true', 'false') and t.qual !~ t.mention
      -- The row of a person, and rows reached through another table or a function, are not of a tenant by accident.
      and t.qual !~* '(uid\(\)|current_user|session_user|''sub''|user_?id|owner_?id|created_?by)'
      and t.qual !~ '\(\s*SELECT'
      and not exists (
        select from pg_depend d join pg_proc f on f.oid = d.refobjid
        where d.classid = 'pg_policy'::regclass and d.objid = t.oid and d.refclassid = 'pg_proc'::regclass and f.pronargs > 0
      )
      and exists (
        select from pg_attribute a
        where a.attrelid = t.tbl and a.attnum > 0 and not a.attisdropped
          and t.qual ~ ('\m' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '\M')
      )
  ) r

  union all
  select 'check_ignores_tenant', r.severity, r.object, r.message, r.fix
  from ( -- V0206
    select 'error' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
      format('The policy %I lets a tenant %s another tenant in %s: what it checks does not read %s. It reads: %s', t.name,
        case t.cmd when 'a' then 'insert rows for' when 'w' then 'move rows to' else 'insert rows for, or move rows to,' end,
        t.tbl_name, t.col, left(c.text, 300)) as message,
      format('Check %I as well: with check (%I = (select …)).', t.col, t.col) as fix
    from policies t
    -- Without a check of its own the condition is the check.
    cross join lateral (select coalesce(t.chk, t.qual) as text) c
    where t.permissive and not t.guarded and t.cmd in ('a', 'w', '*') and not t.root and t.col is not null
      and c.text not in ('true', 'false') and c.text !~ t.mention
      and not exists (
        select from pg_depend d join pg_proc f on f.oid = d.refobjid
        where d.classid = 'pg_policy'::regclass and d.objid = t.oid and d.refclassid = 'pg_proc'::regclass
          and f.pronargs > 0 and f.pronamespace <> 'pg_catalog'::regnamespace
          and f.pronamespace in (select oid from schemas)
      )
      -- A privilege that nobody has is no way.
      and exists (
        select from reach h
        where has_table_privilege(h.role, t.tbl, case t.cmd when 'a' then 'insert' when 'w' then 'update' else 'insert, update' end)
          or has_column_privilege(h.role, t.tbl, t.att, case t.cmd when 'a' then 'insert' when 'w' then 'update' else 'insert, update' end)
      )
  ) r

  union all
  select 'policy_null_matches', r.severity, r.object, r.message, r.fix
  from ( -- V0210
    select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
      format('The policy %I compares with IS NOT DISTINCT FROM: without a tenant, every row without one is seen. It reads: %s', p.name,
        left(coalesce(p.qual, p.chk), 300)) as message,
      'Compare with =, which is never true for null.' as fix
    from policies p
    where p.permissive and not p.guarded
      and (coalesce(p.qual, '') || ' ' || coalesce(p.chk, '')) ~ 'NOT \([^()]*(\([^()]*\)[^()]*)*IS DISTINCT FROM'
  ) r

  union all
  select 'policy_open_without_context', r.severity, r.object, r.message, r.fix
  from ( -- V0211
    select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
      format('The policy %I is open when nothing says who is asking. It reads: %s', p.name, left(e.text, 300)) as message,
      'Leave the case out: without a tenant there must be no rows.' as fix
    from policies p
    cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
    where p.permissive and not p.guarded
      and (
        -- "no setting, or mine": any OR with a test that the context is missing.
        (e.text ~ '\mOR\M' and e.text ~* '(current_setting\([^)]*\)|jwt\(\)|uid\(\)|->> ''[^'']*''::text\)|NULLIF\([^)]*\)[^)]*\))\)* (IS NULL|= ''''::text)')
        -- coalesce(context, the row's own column) = the row's own column
        or e.text ~* ('COALESCE\([^=]*(current_setting|jwt|uid)[^=]*, \(*' || coalesce(p.col, '-'))
      )
  ) r

  union all
  select 'policy_compares_itself', r.severity, r.object, r.message, r.fix
  from ( -- V0212
    select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
      format('The policy %I compares a column with itself, which is always true: %s', p.name,
        substring(e.text from '(\m[\w."]+) = \1(?![\w."])') || ' = ' || substring(e.text from '(\m[\w."]+) = \1(?![\w."])')) as message,
      format('Name the table of the policy in the subquery: … = %s.%I.', (select relname from pg_class where oid = p.tbl), coalesce(p.col, 'id')) as fix
    from policies p
    cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
    where e.text ~ '(\m[a-z_][\w."]*) = \1(?![\w."])'
  ) r

  union all
  select 'policy_trusts_user_metadata', r.severity, r.object, r.message, r.fix
  from ( -- V0214
    select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
      format('The policy %I believes user_metadata, which every user can change: %s', p.name, left(coalesce(p.qual, p.chk), 300)) as message,
      'Read app_metadata, which only the server can write, or the membership.' as fix
    from policies p
    where (coalesce(p.qual, '') || coalesce(p.chk, '')) ~* '(user_metadata|raw_user_meta_data)'
      or exists (
        select from pg_depend d join pg_proc f on f.oid = d.refobjid
        where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
          and f.prosrc ~* '(user_metadata|raw_user_meta_data)'
      )
  ) r

  union all
  select 'policy_function_immutable', r.severity, r.object, r.message, r.fix
  from ( -- V0219
    select 'error' as severity, 'function' as kind, f.oid::regprocedure::text as object,
      format('%s is marked immutable, reads who is asking, and decides for a policy of %s: a plan that was kept for one tenant shows its rows to the next.',
        f.oid::regprocedure, string_agg(distinct p.tbl_name, ', ')) as message,
      format('alter function %s stable', f.oid::regprocedure) as fix
    from policies p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
    join pg_proc f on f.oid = d.refobjid and f.provolatile = 'i' and f.pronamespace <> 'pg_catalog'::regnamespace
    where coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
      ~* '(current_setting\s*\(|auth\.(uid|jwt|role|email)\s*\(|rowhouse\.(organization_id|user_id)\s*\(|\m(current_user|session_user|current_role)\M)'
    group by f.oid
  ) r

  union all
  select 'view_bypasses_rls', r.severity, r.object, r.message, r.fix
  from ( -- V0301
    with recursive options (oid, invoker) as (
      select v.oid, coalesce((
        select bool_or(o.option_value::boolean) from pg_options_to_table(v.reloptions) o where o.option_name = 'security_invoker'
      ), false)
      from pg_class v
      where v.relkind = 'v'
    ),
    -- What a view reads, and what the views in it read as their owners, whoever may read those. One with the option is asked by
    -- whoever asks, also inside of another.
    beneath (oid, reads) as (
      select o.oid, d.refobjid
      from options o
      join pg_rewrite w on w.ev_class = o.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> o.oid
      where not o.invoker
      union
      select b.oid, d.refobjid
      from beneath b
      join options o on o.oid = b.reads and not o.invoker
      join pg_rewrite w on w.ev_class = o.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> o.oid
    )
    select case when h.held then 'info' else 'error' end as severity, 'view' as kind, v.oid::regclass::text as object,
      format('The view %s reads %s as its owner, not as whoever asks%s.', v.oid::regclass, string_agg(distinct t.name, ', '),
        case when h.held then format('; row security holds %I as well, for as long as it is forced', o.rolname) else '' end) as message,
      format('alter view %s set (security_invoker = true)', v.oid::regclass) as fix
    from beneath b
    join pg_class v on v.oid = b.oid
    join pg_roles o on o.oid = v.relowner
    join tables t on t.oid = b.reads
    -- An owner whom the same policies hold, and no other policy lets through, shows what whoever asks would see.
    cross join lateral (
      select t.protected is null and not o.rolsuper and not o.rolbypassrls and bool_and(x.held) as held
      from beneath y
      join pg_class n on n.oid = y.reads and n.relkind in ('r', 'p', 'f', 'm', 'v')
      cross join lateral (
        select case
          when n.relkind in ('r', 'p') then n.relrowsecurity and (n.relforcerowsecurity or not pg_has_role(o.oid, n.relowner, 'usage'))
            and not exists (
              select from all_policies p
              where p.tbl = n.oid and p.permissive and p.roles <> '{0}'
                and exists (select from unnest(p.roles) r (oid) where r.oid <> 0 and pg_has_role(o.oid, r.oid, 'usage'))
            )
            or not exists (select from tables m where m.oid = n.oid)
          when n.relkind = 'v' then n.relowner = o.oid or (select s.invoker from options s where s.oid = n.oid)
          else false end as held
      ) x
      where y.oid = v.oid
    ) h
    where case when t.protected is null
        then exists (select from reach h where has_table_privilege(h.role, v.oid, 'select, insert, update, delete')
          or has_any_column_privilege(h.role, v.oid, 'select'))
        else t.protected end
    group by v.oid, o.rolname, h.held
  ) r

  union all
  select 'copy_of_rows', r.severity, r.object, r.message, r.fix
  from ( -- V0302
    with recursive beneath (oid, reads) as (
      select v.oid, d.refobjid
      from pg_class v
      join pg_rewrite w on w.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
      where v.relkind = 'm'
      union
      -- Through views, and through what other materialized views hold.
      select b.oid, d.refobjid
      from beneath b
      join pg_class v on v.oid = b.reads and v.relkind in ('v', 'm')
      join pg_rewrite w on w.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
    )
    select 'error' as severity, 'materialized view' as kind, v.oid::regclass::text as object,
      format('The materialized view %s holds rows of %s without row security.', v.oid::regclass, string_agg(distinct t.name, ', ')) as message,
      format('revoke all on %s from public%s', v.oid::regclass,
        coalesce((select string_agg(', ' || quote_ident(r.name::text), '' order by r.name) from roles r), '')) as fix
    from beneath b
    join pg_class v on v.oid = b.oid
    join tables t on t.oid = b.reads
    where t.protected is not false
      and exists (select from reach h where has_table_privilege(h.role, v.oid, 'select') or has_any_column_privilege(h.role, v.oid, 'select'))
    group by v.oid
  ) r

  union all
  select 'foreign_table_exposed', r.severity, r.object, r.message, r.fix
  from ( -- V0303
    select 'error' as severity, 'foreign table' as kind, c.oid::regclass::text as object,
      format('%s may read the foreign table %s, which has no row security.', string_agg(r.name, ', ' order by r.name), c.oid::regclass) as message,
      format('revoke all on %s from public, %s', c.oid::regclass, string_agg(quote_ident(r.name::text), ', ' order by r.name)) as fix
    from pg_class c
    join schemas s on s.oid = c.relnamespace
    cross join roles r
    where c.relkind = 'f'
      and exists (select from reach h where h.start = r.oid
        and (has_table_privilege(h.role, c.oid, 'select, insert, update, delete') or has_any_column_privilege(h.role, c.oid, 'select')))
    group by c.oid
  ) r

  union all
  select 'partition_exposed', r.severity, r.object, r.message, r.fix
  from ( -- V0308
    with recursive children (parent, oid, depth) as (
      select t.oid, i.inhrelid, 1 from tables t join pg_inherits i on i.inhparent = t.oid where not t.child and t.protected is not false
      union all
      select c.parent, i.inhrelid, c.depth + 1 from children c join pg_inherits i on i.inhparent = c.oid where c.depth < 20
    )
    select 'error' as severity, 'table' as kind, k.oid::regclass::text as object,
      format('%s may read %s directly, where the policies of %s do not apply and there is no row security of its own.',
        string_agg(distinct r.name::text, ', '), k.oid::regclass, c.parent::regclass) as message,
      format('revoke all on %s from public, %s', k.oid::regclass, string_agg(distinct quote_ident(r.name::text), ', ')) as fix
    from children c
    join pg_class k on k.oid = c.oid
    cross join roles r
    where not k.relrowsecurity and k.relkind in ('r', 'p', 'f')
      and exists (select from reach h where h.start = r.oid
        and (has_table_privilege(h.role, k.oid, 'select, insert, update, delete') or has_any_column_privilege(h.role, k.oid, 'select')))
    group by k.oid, c.parent
  ) r

  union all
  select 'app_privilege', r.severity, r.object, r.message, r.fix
  from ( -- V0309
    select case when x.grave then 'error' else 'info' end as severity, case when x.grave then 'table' else 'schema' end as kind,
      x.object,
      format('%s has %s on %s, which row security does not hold.', string_agg(distinct x.role, ', '),
        string_agg(distinct x.privilege, ', '), case when x.grave then x.object
          else case when count(distinct x.name) = 1 then min(x.name) else format('%s tables of tenants', count(distinct x.name)) end end) as message,
      format('revoke %s on %s from %s, public', string_agg(distinct x.privilege, ', '),
        case when x.grave then x.object else 'all tables in schema ' || x.object end,
        string_agg(distinct quote_ident(x.role), ', ')) as fix
    from (
      select t.name, p.privilege, r.name::text as role, g.grave,
        case when g.grave then t.name else quote_ident(n.nspname::text) end as object
      from tables t
      cross join unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) as p (privilege)
      join roles r on has_table_privilege(r.oid, t.oid, p.privilege)
      join pg_roles l on l.oid = r.oid
      join pg_namespace n on n.oid = t.schema
      -- A gateway sends none of the three: what is granted by default there is said once for a schema.
      cross join lateral (select l.rolcanlogin or (select rowhouse from settings) as grave) g
      where t.protected is not false and t.kind in ('r', 'p')
        and not exists (select from reach h where h.start = r.oid and h.role = t.owner)
    ) x
    group by x.grave, x.object
  ) r

  union all
  select 'key_without_organization', r.severity, r.object, r.message, r.fix
  from ( -- V0401
    select case when t.protected or t.type is null then 'error' when k.contype = 'p' then 'info' else 'warning' end as severity, 'table' as kind, t.name as object,
      format('The key %s does not begin with %s: it would tell one organization what another has.', k.conname, t.col) as message,
      format('Make it (%s).', array_to_string(array_prepend(t.col::text, array_remove(c.names, t.col::text)), ', ')) as fix
    from pg_constraint k
    join tables t on t.oid = k.conrelid
    cross join lateral (
      select array_agg(a.attname::text order by u.ordinality) as names,
        -- A secret is long, and a counter is another finding.
        bool_and(a.atttypid = 'uuid'::regtype or a.attname ~* '(token|secret|hash|nonce)$' or a.attidentity <> '' or exists (
          select from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum
            and pg_get_expr(d.adbin, d.adrelid) ~ '^nextval'
        )) as unguessable
      from unnest(k.conkey) with ordinality u (attnum, ordinality)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
    ) c
    where k.contype in ('p', 'u') and t.protected is not false and not t.root and t.col is not null and not t.child
      and case when t.protected then c.names[1] <> t.col
        -- Elsewhere: any place in the key keeps organizations apart, and a uuid cannot be guessed.
        else t.reachable and not t.col::text = any (c.names) and not c.unguessable end
  ) r

  union all
  select 'unique_index_without_organization', r.severity, r.object, r.message, r.fix
  from ( -- V0402
    select case when t.protected then 'error' else 'warning' end as severity, 'index' as kind, i.indexrelid::regclass::text as object,
      format('The unique index %s does not begin with %s.', i.indexrelid::regclass, t.col) as message,
      format('Put %s first in it.', t.col) as fix
    from pg_index i
    join tables t on t.oid = i.indrelid
    where i.indisunique and t.protected is not false and not t.root and t.col is not null and not t.child and (t.protected or t.reachable)
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
      and case when t.protected then i.indkey[0] <> t.att
        else not t.att = any (i.indkey::int2[])
          and not exists (select from pg_attribute a where a.attrelid = t.oid and a.attnum = i.indkey[0] and a.atttypid = 'uuid'::regtype) end
  ) r

  union all
  select 'exclusion_without_organization', r.severity, r.object, r.message, r.fix
  from ( -- V0403
    select case when t.protected then 'error' else 'warning' end as severity, 'table' as kind, t.name as object,
      format('The exclusion constraint %s spans all organizations: a refusal tells one what another has.', k.conname) as message,
      format('Add %s with = to it (extension btree_gist).', t.col) as fix
    from pg_constraint k
    join tables t on t.oid = k.conrelid
    where k.contype = 'x' and t.protected is not false and not t.root and t.col is not null and not t.child
      and (t.protected or t.reachable) and not t.att = any (k.conkey)
  ) r

  union all
  select 'reference_without_organization', r.severity, r.object, r.message, r.fix
  from ( -- V0404
    select case when p.protected then 'error' else 'warning' end as severity, 'table' as kind, f.conrelid::regclass::text as object,
      format('The foreign key %s lets a row of %s refer to a row of another organization%s.', f.conname, f.conrelid::regclass,
        case when f.confdeltype = 'c' then ', whose deletion deletes it' else '' end) as message,
      case when p.protected or c.col is null or r.key <> 1 then format('Make it foreign key (%s, …) references %s (%s, …).', coalesce(c.col, p.col), f.confrelid::regclass, p.col)
        else format('alter table %s add unique (%I, %s); alter table %s drop constraint %I, add constraint %I foreign key (%I, %s) references %s (%I, %s)%s',
          f.confrelid::regclass, p.col, r.target, f.conrelid::regclass, f.conname, f.conname, c.col, r.columns, f.confrelid::regclass, p.col, r.target,
          case f.confdeltype when 'c' then ' on delete cascade' when 'n' then format(' on delete set null (%s)', r.columns) else '' end) end as fix
    from pg_constraint f
    join tables p on p.oid = f.confrelid
    left join tables c on c.oid = f.conrelid
    cross join lateral (
      select count(*) as key, string_agg(quote_ident(a.attname::text), ', ') as columns, string_agg(quote_ident(b.attname::text), ', ') as target
      from unnest(f.conkey, f.confkey) u (att, target_att)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.att
      join pg_attribute b on b.attrelid = f.confrelid and b.attnum = u.target_att
    ) r
    where f.contype = 'f' and f.conparentid = 0 and p.protected is not false and not p.root and p.col is not null
      and (c.oid is null and p.protected or c.col is not null)
      and not exists (
        select from unnest(f.conkey, f.confkey) u (att, target_att)
        where u.target_att = p.att and (u.att = c.att
          or (c.oid is null and exists (select from pg_attribute a where a.attrelid = f.conrelid and a.attnum = u.att and a.attname = p.col)))
      )
  ) r

  union all
  select 'set_null_clears_tenant', r.severity, r.object, r.message, r.fix
  from ( -- V0405
    select 'error' as severity, 'table' as kind, f.conrelid::regclass::text as object,
      format('The foreign key %s sets %s to null as well when the row it refers to is deleted.', f.conname, c.col) as message,
      format('alter table %s drop constraint %I, add constraint %I %s', f.conrelid::regclass, f.conname, f.conname,
        regexp_replace(pg_get_constraintdef(f.oid), 'ON DELETE SET (NULL|DEFAULT)', format('ON DELETE SET \1 (%s)', (
          select string_agg(quote_ident(a.attname::text), ', ') from pg_attribute a
          where a.attrelid = f.conrelid and a.attnum = any (f.conkey) and a.attnum <> c.att
        )))) as fix
    from pg_constraint f
    join tables c on c.oid = f.conrelid
    where f.contype = 'f' and f.confdeltype in ('n', 'd') and f.conparentid = 0 and cardinality(f.conkey) > 1
      and c.att = any (f.conkey) and (f.confdelsetcols is null or c.att = any (f.confdelsetcols))
  ) r

  union all
  select 'users_not_mirrored', r.severity, r.object, r.message, r.fix
  from ( -- V0711
    select 'warning' as severity, 'table' as kind, 'auth.users' as object,
      'auth.users does not feed rowhouse.users: people who sign up are not known, and who is deleted stays a member.' as message,
      'select rowhouse.mirror_auth_users()' as fix
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'auth' and c.relname = 'users' and c.relkind in ('r', 'p')
      and not exists (
        select from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'rowhouse_mirror_user' and g.tgenabled in ('O', 'A')
      )
  ) r
  -- End of the rules.
  union all
  select * from rowhouse.guard_findings()
  order by 2, 1, 3
$$;
set local check_function_bodies = on;
