-- The schemas of Rowhouse in a stable text form, one line a thing: what is reviewed when a migration changes it. Not
-- the change log's months, whose names tell when it was installed.
select line
from (
  select 'table ' || c.oid::regclass || ' row_security=' || c.relrowsecurity || ' forced=' || c.relforcerowsecurity
    || ' owner=' || c.relowner::regrole || coalesce(' options=' || c.reloptions::text, '') as line
  from pg_class c where c.relnamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
  union all
  select 'column ' || c.oid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attnotnull then ' not null' else '' end
    || case a.attidentity when '' then '' else ' identity' end
    || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relnamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
  union all
  select 'constraint ' || k.conrelid::regclass || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
  from pg_constraint k
  where k.connamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace) and k.contype in ('p', 'u', 'f', 'c', 'x')
    and not exists (select from pg_class c where c.oid = k.conrelid and c.relispartition)
  union all
  select 'index ' || pg_get_indexdef(i.indexrelid)
  from pg_index i join pg_class c on c.oid = i.indrelid
  where c.relnamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace)
    and not c.relispartition
    and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
  union all
  select 'policy ' || p.polrelid::regclass || ' ' || p.polname || ' ' || case when p.polpermissive then 'permissive ' else 'restrictive ' end
    || p.polcmd::text || ' to ' || (select string_agg(coalesce(r.rolname, 'public'), ', ' order by r.rolname)
      from unnest(p.polroles) o left join pg_roles r on r.oid = o)
    || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '') || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
  from pg_policy p join pg_class c on c.oid = p.polrelid
  where c.relnamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace)
  union all
  select 'trigger ' || t.tgrelid::regclass || ' ' || pg_get_triggerdef(t.oid) || ' enabled=' || t.tgenabled::text
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where c.relnamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace) and not t.tgisinternal and not c.relispartition
  union all
  select 'function ' || p.oid::regprocedure || ' returns ' || pg_get_function_result(p.oid) || ' ' || l.lanname || ' '
    || case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end
    || case when p.prosecdef then ' security definer' else '' end
    || case p.proparallel when 'r' then ' parallel restricted' when 's' then ' parallel safe' else '' end
    || coalesce(' ' || p.proconfig::text, '')
    || ' body ' || left(encode(sha256(convert_to(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), 'UTF8')), 'hex'), 12)
  from pg_proc p join pg_language l on l.oid = p.prolang
  where p.pronamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace)
  union all
  select 'grant ' || string_agg(a.privilege_type, ', ' order by a.privilege_type) || ' on ' || o.object || ' to ' || coalesce(r.rolname, 'public')
  from (
    select c.oid::regclass::text as object, c.relacl as acl, c.relowner as owner
    from pg_class c where c.relnamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and not c.relispartition
    union all
    select 'function ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
    from pg_proc p where p.pronamespace in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace)
    union all
    select 'schema ' || n.nspname, n.nspacl, n.nspowner from pg_namespace n where n.nspname in ('rowhouse', 'rowhouse_home')
  ) o
  cross join aclexplode(o.acl) a
  left join pg_roles r on r.oid = a.grantee
  where a.grantee <> o.owner
  group by o.object, r.rolname
) s
order by line collate "C"
