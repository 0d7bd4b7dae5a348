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
