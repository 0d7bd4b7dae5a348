-- How this database tells organizations apart, from its catalogue alone: the tables of tenants with their tenant
-- column or the row they reach theirs through, the roles that requests come as, the schemas and databases that belong to
-- one tenant each. One query, so that all of it is of one moment; rules and attacks read it and detect nothing themselves.
-- $1: what the caller knows better, {schemas, roles, tenantColumn, tenantTable}.
with recursive options as (
  select $1::jsonb as given,
    to_regnamespace('auth') is not null and to_regrole('anon') is not null and to_regrole('authenticated') is not null
      as supabase,
    -- Not to_regprocedure(): that wants USAGE on the schema, which a weak login has not.
    exists (
      select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'rowhouse' and p.proname = 'organization_id'
    ) and to_regrole('rowhouse_app') is not null as rowhouse
),
-- What a platform brings along is the platform's to keep.
schemas as (
  select n.oid, n.nspname as name
  from pg_namespace n, options o
  where case when o.given ? 'schemas' then o.given -> 'schemas' ? n.nspname
    else n.nspname !~ '^pg_' and n.nspname not in (
        'information_schema', 'rowhouse', 'auth', 'storage', 'realtime', '_realtime', '_analytics', '_supavisor',
        'extensions', 'graphql', 'graphql_public', 'vault', 'pgsodium', 'pgsodium_masks', 'supabase_functions',
        'supabase_migrations', 'net', 'cron', 'pgbouncer', 'pgmq', 'repack', 'topology', 'tiger', 'tiger_data'
      )
      and not exists (
        select from pg_depend d where d.classid = 'pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e'
      )
    end
),
relations as (
  select c.oid, c.relname, c.relnamespace, s.name as schema, c.relkind, c.relowner, c.relrowsecurity,
    c.relforcerowsecurity, c.relispartition or exists (select from pg_inherits i where i.inhrelid = c.oid) as child
  from pg_class c
  join schemas s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f')
    and not exists (
      select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
),
-- In the order of how surely each means the tenant: a CRM has companies and accounts of its own.
words (word, plural, rank) as (
  values ('organization', 'organizations', 1), ('organisation', 'organisations', 1), ('tenant', 'tenants', 2),
    ('org', 'orgs', 3), ('workspace', 'workspaces', 4), ('account', 'accounts', 5), ('team', 'teams', 6),
    ('company', 'companies', 7), ('group', 'groups', 8),
    -- Where nothing above is found.
    ('business', 'businesses', 9), ('site', 'sites', 10), ('school', 'schools', 11), ('shop', 'shops', 12),
    ('store', 'stores', 13), ('household', 'households', 14), ('space', 'spaces', 15)
),
-- The table that the caller names, with its schema or, in public, without; quoted as SQL wants it or not.
named_root as (
  select r.oid
  from relations r, options o
  where o.given ->> 'tenantTable' in (
    format('%I.%I', r.schema, r.relname), r.schema || '.' || r.relname,
    case when r.schema = 'public' then r.relname end, case when r.schema = 'public' then quote_ident(r.relname) end
  )
  limit 1
),
foreign_keys as (
  select k.oid, k.conrelid, k.confrelid, k.conkey[1] as att, k.confkey[1] as target_att, cardinality(k.conkey) as width
  from pg_constraint k
  where k.contype = 'f' and k.conparentid = 0
    and k.conrelid in (select oid from relations) and k.confrelid in (select oid from relations)
),
-- What one column refers to, and whether that is called like tenants are.
targets as (
  select f.conrelid, f.att, f.confrelid, f.target_att,
    lower(t.relname) ~ ('(^|_)(' || (select string_agg(x.word || '|' || x.plural, '|') from words x) || ')$') as named
  from foreign_keys f join relations t on t.oid = f.confrelid
  where f.width = 1
),
columns as (
  select distinct on (r.oid, a.attnum, w.word) r.oid, r.child, a.attnum, a.attname, w.word, w.plural, w.rank, f.confrelid as root, f.target_att
  from relations r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join words w on lower(replace(a.attname, '_', '')) in (w.word || 'id', w.word || 'uuid')
    or (w.word = 'tenant' and lower(a.attname) = 'tenant')
  left join targets f on f.conrelid = r.oid and f.att = a.attnum
    -- tenant_id means the tenant whatever its table is called; company_id may mean somebody's customer.
    and (w.rank <= 4 or f.named)
  where lower(r.relname) not in (w.word, w.plural)
  order by r.oid, a.attnum, w.word, f.confrelid
),
chosen as (
  select c.word, c.plural
  from columns c
  where not c.child
  group by c.word, c.plural, c.rank
  -- A group or a site without a table of them is more often something else.
  having c.rank < 8 or count(c.root) > 0
  order by (
      select lower(r.relname) in (c.word, c.plural) from relations r join named_root n on n.oid = r.oid
    ) desc nulls last, c.rank > 8, sum(case when c.root is null then 1 else 3 end) desc, c.rank
  limit 1
),
root as (
  select coalesce(
    (select n.oid from named_root n),
    (select f.confrelid from foreign_keys f join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.att, options o
      where f.width = 1 and a.attname = o.given ->> 'tenantColumn'
      group by f.confrelid order by count(*) desc, f.confrelid limit 1),
    (select c.root from columns c join chosen h on h.word = c.word, options o
      where c.root is not null and not c.child and o.given ->> 'tenantColumn' is null
      group by c.root order by count(*) desc, c.root limit 1),
    (select r.oid from relations r, chosen h, options o
      where lower(r.relname) in (h.word, h.plural) and o.given ->> 'tenantColumn' is null order by r.oid limit 1)
  ) as oid
),
root_key as (
  select r.oid, k.conkey[1] as att
  from root r join pg_constraint k on k.conrelid = r.oid and k.contype = 'p' and cardinality(k.conkey) = 1
),
direct as (
  select distinct on (r.oid) r.oid, a.attnum as att
  from relations r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  cross join options o
  left join root on true
  left join root_key on true
  left join columns c on c.oid = r.oid and c.attnum = a.attnum and c.word = (select word from chosen)
  left join foreign_keys f on f.conrelid = r.oid and f.att = a.attnum and f.width = 1 and f.confrelid = root.oid
  where r.oid is distinct from root.oid
    and case when o.given ->> 'tenantColumn' is not null then a.attname = o.given ->> 'tenantColumn'
      -- Another name counts where every row must have one: profiles.last_visited is no tenant column.
      else c.oid is not null or (f.oid is not null and a.attnotnull) end
    -- Where the table of tenants is named, a column that refers to another one is another thing.
    and not exists (
      select from named_root n join pg_constraint k on k.conrelid = r.oid and k.contype = 'f' and k.confrelid <> n.oid
      where k.conkey = array[a.attnum]
    )
  order by r.oid, f.oid is null, c.oid is null, a.attnum
),
-- Rows that belong to a tenant only through the row they refer to: line items, comments.
paths as (
  select d.oid, 0 as depth, null::oid as through from direct d
  union
  select f.conrelid, p.depth + 1, f.oid
  from paths p
  join foreign_keys f on f.confrelid = p.oid and f.conrelid <> p.oid
  where p.depth < 6 and f.conrelid not in (select d.oid from direct d)
),
indirect as (
  select distinct on (p.oid) p.oid, p.through
  from paths p
  where p.depth > 0 and p.oid is distinct from (select oid from root)
  -- The nearest, and of those one that every row has.
  order by p.oid, p.depth, exists (
      select from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
      where k.oid = p.through and not a.attnotnull
    ), p.through
),
tenant_relations as (
  select d.oid, d.att, false as root, null::oid as through from direct d
  union all
  select r.oid, k.att, true, null from root r left join root_key k on k.oid = r.oid
  where r.oid is not null and exists (select from direct)
  union all
  select i.oid, null::int2, false, i.through from indirect i
),
-- Schemas with the same tables under other names of the schema: one for each tenant.
shapes as (
  select r.relnamespace, r.schema, array_agg(r.relname::text order by r.relname) as tables
  from relations r where r.relkind in ('r', 'p') and not r.child
  group by 1, 2
),
tenant_schemas as (
  select s.relnamespace as oid, s.schema as name, md5(array_to_string(s.tables, E'\n')) as shape
  from shapes s, options o
  where s.schema <> 'public'
    and not (s.schema ~ '^rowhouse')
    and exists (
      select from shapes other
      cross join lateral (
        select count(*) as tables, bool_and(t ~* 'migration') as bookkeeping
        from unnest(s.tables) t where t = any (other.tables)
      ) both_have
      where other.relnamespace <> s.relnamespace and other.schema <> 'public'
        -- Two of a kind, or most of many: crm and billing may both have users.
        and (both_have.tables >= 2 or cardinality(s.tables) + cardinality(other.tables) = 2)
        and both_have.tables * 2 >= greatest(cardinality(s.tables), cardinality(other.tables))
        and not coalesce(both_have.bookkeeping, true)
    )
),
-- Databases of the server that are named as one for each tenant, or were named so by the caller.
tenant_databases as (
  select d.oid, d.datname as name
  from pg_database d, options o
  where not d.datistemplate and case when o.given ? 'tenantDatabases' then o.given -> 'tenantDatabases' ? d.datname
    else d.datname ~ '^((tenants?|orgs?|organi[sz]ations?|customers?|clients?|accounts?|company|companies|workspaces?)[_-]|h_[0-9a-f]{16}$)'
      and exists (
        select from pg_database other
        where other.oid <> d.oid and not other.datistemplate
          and substring(other.datname from '^[a-z]+[_-]') = substring(d.datname from '^[a-z]+[_-]')
      )
    end
),
-- Everybody's way from one role to another, by SET ROLE or by inheriting.
memberships as (
  select r.oid as role, r.oid as becomes from pg_roles r
  union
  select m.role, g.roleid from memberships m join pg_auth_members g on g.member = m.becomes
),
touched as (
  select c.oid, c.relowner, c.relacl from pg_class c where c.oid in (select oid from tenant_relations)
  union all
  select r.oid, r.relowner, c.relacl from relations r join pg_class c on c.oid = r.oid
  where r.relnamespace in (select oid from tenant_schemas)
    or exists (select from tenant_databases d where d.name = current_database())
),
holders as (
  select distinct a.grantee from touched t, aclexplode(t.relacl) a
  where a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') and a.grantee <> t.relowner
  union
  select distinct x.grantee from touched t join pg_attribute a on a.attrelid = t.oid and a.attacl is not null,
    aclexplode(a.attacl) x
),
logins as (
  select r.oid, r.rolname,
    exists (select from memberships m join holders h on h.grantee in (m.becomes, 0) where m.role = r.oid) as holds,
    exists (select from memberships m join touched t on t.relowner = m.becomes where m.role = r.oid) as owns
  from pg_roles r
  where r.rolcanlogin and not r.rolsuper and not r.rolbypassrls and not r.rolreplication
    and r.rolname !~ '^(pg_|rowhouse_|supabase_|cloudsql|rds|azure)'
    and has_database_privilege(r.oid, current_database(), 'connect')
),
roles as (
  select r.oid, r.rolname
  from pg_roles r, options o
  where case
    when o.given ? 'roles' then o.given -> 'roles' ? r.rolname
    when o.supabase or o.rowhouse then (o.supabase and r.rolname in ('anon', 'authenticated'))
      or (o.rowhouse and r.rolname in ('rowhouse_app', 'anon', 'authenticated'))
    else r.oid in (
      select l.oid from logins l
      where case when exists (select from logins where holds and not owns) then l.holds and not l.owns else l.owns end
    )
  end
)
select jsonb_build_object(
  'database', current_database(),
  'login', session_user,
  'version', split_part(current_setting('server_version'), ' ', 1),
  'standby', pg_is_in_recovery(),
  'supabase', o.supabase,
  'rowhouse', o.rowhouse,
  'tenantWord', (select word from chosen),
  'tenantTable', (select oid::regclass::text from root where oid is not null),
  'schemas', (select coalesce(jsonb_agg(name order by name), '[]') from schemas),
  'missingRoles', (
    select coalesce(jsonb_agg(g), '[]') from jsonb_array_elements_text(o.given -> 'roles') g where to_regrole(quote_ident(g)) is null
  ),
  'missingSchemas', (
    select coalesce(jsonb_agg(g), '[]') from jsonb_array_elements_text(o.given -> 'schemas') g
    where to_regnamespace(quote_ident(g)) is null
  ),
  'missingDatabases', (
    select coalesce(jsonb_agg(g), '[]') from jsonb_array_elements_text(o.given -> 'tenantDatabases') g
    where not exists (select from pg_database d where d.datname = g)
  ),
  'tables', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'oid', t.oid::int8, 'name', t.oid::regclass::text, 'att', t.att, 'root', t.root,
      'schema', r.schema, 'table', r.relname, 'column', a.attname,
      'through', (
        select jsonb_build_object('schema', p.schema, 'table', p.relname, 'columns', (
            select jsonb_agg(x.attname order by u.position) from unnest(k.conkey) with ordinality u (number, position)
            join pg_attribute x on x.attrelid = k.conrelid and x.attnum = u.number))
        from pg_constraint k join relations p on p.oid = k.confrelid where k.oid = t.through
      )
    ) order by t.oid::regclass::text), '[]')
    from tenant_relations t
    join relations r on r.oid = t.oid
    left join pg_attribute a on a.attrelid = t.oid and a.attnum = t.att
  ),
  'roles', (select coalesce(jsonb_agg(jsonb_build_object('oid', oid::int8, 'name', rolname) order by rolname), '[]') from roles),
  'tenantSchemas', (select coalesce(jsonb_agg(jsonb_build_object('oid', oid::int8, 'name', name, 'shape', shape) order by name), '[]') from tenant_schemas),
  'tenantDatabases', (select coalesce(jsonb_agg(jsonb_build_object('oid', oid::int8, 'name', name) order by name), '[]') from tenant_databases)
) as model
from options o
