-- What is set last: row security, states of triggers, replica identity, default privileges, settings.
select kind, name, sql
from (
  select 1 as step, 'row security' as kind, c.oid::regclass::text as name,
    concat_ws('; ', case when c.relrowsecurity then format('alter table %s enable row level security', c.oid::regclass) end,
      case when c.relforcerowsecurity then format('alter table %s force row level security', c.oid::regclass) end) as sql
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where (c.relrowsecurity or c.relforcerowsecurity) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select 2, 'state of trigger', format('%I on %s', t.tgname, t.tgrelid::regclass),
    format('alter table only %s %s trigger %I', t.tgrelid::regclass,
      case t.tgenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, t.tgname)
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where t.tgenabled <> 'O' and not t.tgisinternal and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select 3, 'replica identity', c.oid::regclass::text,
    format('alter table only %s replica identity %s', c.oid::regclass, case c.relreplident when 'f' then 'full' when 'n' then 'nothing' else
      'using index ' || (select quote_ident(x.relname) from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisreplident) end)
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relreplident <> 'd' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (c.relreplident <> 'i' or exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisreplident))
  union all
  select 4, 'default privileges', format('%s of %I%s', k.word, pg_get_userbyid(d.defaclrole), ' in ' || quote_ident(n.nspname)),
    case when d.defaclnamespace = 0 then format('alter default privileges for role %1$I revoke all on %2$s from public, %1$I; ', pg_get_userbyid(d.defaclrole), k.word) else '' end
    || coalesce((select string_agg(format('alter default privileges for role %I%s grant %s on %s to %s%s; ', pg_get_userbyid(d.defaclrole),
        ' in schema ' || quote_ident(n.nspname), g.privileges, k.word, g.grantee, case when g.is_grantable then ' with grant option' end), '' order by g.grantee)
      from (
        select string_agg(x.privilege_type, ', ' order by x.privilege_type) as privileges, x.is_grantable,
          case when x.grantee = 0 then 'public' else quote_ident(r.rolname) end as grantee
        from aclexplode(d.defaclacl) x left join pg_catalog.pg_roles r on r.oid = x.grantee
        where x.grantee = 0 or r.rolname is not null
        group by x.is_grantable, x.grantee, r.rolname
      ) g), '')
  from pg_catalog.pg_default_acl d
  left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
  cross join lateral (select case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
    when 'L' then 'large objects' else 'schemas' end as word) k
) s
order by step, name
