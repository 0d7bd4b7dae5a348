-- What a home looks like, as lines that are equal in every home that the same migrations made: no name of a schema, no oid,
-- no order of columns, none of what each home has for itself (its login, the check of its organization). Two homes differ
-- where their lines do; drift and moves compare them.

-- `tenant` is the role that tenants come as in this home: its own login, or rowhouse_app.
create function rowhouse.structure(target name, tenant name default 'rowhouse_app') returns table (object text, line text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  namespace oid := (select n.oid from pg_namespace n where n.nspname = target);
  prefix text := quote_ident(target) || '.';
begin
  return query
  with relations as materialized (
    select c.oid, quote_ident(c.relname) as name, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
      c.relpersistence, c.relispartition, c.relpartbound, c.reloptions
    from rowhouse.relations_of(namespace) r join pg_class c on c.oid = r.relation
  )
  select r.name, format('%s %s%s%s%s%s',
    case r.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view'
      when 'S' then 'sequence' when 'f' then 'foreign table' when 'c' then 'composite type' else r.relkind::text end,
    r.name,
    case r.relpersistence when 'u' then ', unlogged' else '' end,
    case when r.relrowsecurity then ', row security' else '' end || case when r.relforcerowsecurity then ', forced' else '' end,
    case when r.relispartition then ', ' || pg_get_expr(r.relpartbound, r.oid) else '' end,
    coalesce(', with ' || nullif(array_to_string(array(select unnest(r.reloptions) order by 1), ', '), ''), ''))
  from relations r
  union all
  select r.name, format('owner of %s: %s', r.name, pg_get_userbyid(r.relowner)) from relations r
  union all
  select r.name, format('partition key of %s: %s', r.name, pg_get_partkeydef(r.oid)) from relations r where r.relkind = 'p'
  union all
  select r.name, format('view %s as %s', r.name, replace(pg_get_viewdef(r.oid), prefix, '')) from relations r where r.relkind in ('v', 'm')
  union all
  select r.name, format('sequence %s: %s', r.name, concat_ws(' ', format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
    s.seqcycle))
  from relations r join pg_sequence s on s.seqrelid = r.oid
  union all
  select r.name, format('column %s.%I %s%s%s%s%s', r.name, a.attname, replace(format_type(a.atttypid, a.atttypmod), prefix, ''),
    case when a.attnotnull then ' not null' else '' end,
    case a.attidentity when '' then '' else ' identity ' || a.attidentity::text end,
    case a.attgenerated when '' then '' else ' generated ' || a.attgenerated::text end,
    coalesce(' default ' || replace(pg_get_expr(d.adbin, d.adrelid), prefix, ''), '')
      || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end)
  from relations r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where r.relkind in ('r', 'p', 'f', 'c')
  union all
  select r.name, format('constraint %s.%I %s', r.name, c.conname, replace(pg_get_constraintdef(c.oid), prefix, ''))
  from relations r
  join pg_constraint c on c.conrelid = r.oid
  -- NOT NULL is said of the column; that the rows are of one organization is each home's own.
  where c.contype <> 'n' and c.conparentid = 0 and c.conname <> 'rowhouse_lives_here'
  union all
  select r.name, format('index %s.%I %s%s', r.name, x.relname, replace(pg_get_indexdef(i.indexrelid), prefix, ''),
    case when i.indisvalid then '' else ' INVALID' end)
  from relations r
  join pg_index i on i.indrelid = r.oid
  join pg_class x on x.oid = i.indexrelid
  where not exists (select from pg_constraint c where c.conrelid = i.indrelid and c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
  union all
  select r.name, format('policy %s.%I %s', r.name, p.polname, replace(rowhouse.policy_signature(p.oid), prefix, ''))
  from relations r join pg_policy p on p.polrelid = r.oid
  union all
  select r.name, format('trigger %s.%I %s %s', r.name, g.tgname, g.tgenabled,
    replace(replace(pg_get_triggerdef(g.oid), prefix, ''), quote_literal(target), quote_literal('home')))
  from relations r join pg_trigger g on g.tgrelid = r.oid
  where not g.tgisinternal and g.tgparentid = 0
  union all
  select r.name, format('grant on %s: %s to %s%s', r.name, a.privilege_type, rowhouse.structure_role(a.grantee, tenant),
    case when a.is_grantable then ' with grant option' else '' end)
  from relations r cross join lateral aclexplode(r.relacl) a
  where a.grantee <> r.relowner
  union all
  select r.name, format('grant on column %s.%I: %s to %s', r.name, c.attname, a.privilege_type, rowhouse.structure_role(a.grantee, tenant))
  from relations r
  join pg_attribute c on c.attrelid = r.oid and c.attacl is not null and not c.attisdropped
  cross join lateral aclexplode(c.attacl) a
  where a.grantee <> r.relowner
  union all
  select quote_ident(p.proname), format('function %s', replace(replace(pg_get_functiondef(p.oid), prefix, ''), quote_literal(target), quote_literal('home')))
  from pg_depend d join pg_proc p on p.oid = d.objid
  where d.refclassid = 'pg_namespace'::regclass and d.refobjid = namespace and d.classid = 'pg_proc'::regclass
    -- What refers to the schema, as in the default of an argument, depends on it too.
    and p.pronamespace = namespace and p.prokind in ('f', 'p', 'w')
    and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
  union all
  select quote_ident(t.typname), format('type %I %s', t.typname, coalesce(
    (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
    replace(format_type(t.typbasetype, t.typtypmod), prefix, '') || coalesce((
      select string_agg(' ' || pg_get_constraintdef(c.oid), '' order by c.conname) from pg_constraint c where c.contypid = t.oid), '')))
  from pg_depend d join pg_type t on t.oid = d.objid
  where d.refclassid = 'pg_namespace'::regclass and d.refobjid = namespace and d.classid = 'pg_type'::regclass
    and t.typnamespace = namespace and t.typtype in ('e', 'd', 'r')
    and not exists (select from pg_depend e where e.classid = 'pg_type'::regclass and e.objid = t.oid and e.deptype = 'e');
end
$$;

-- The tenants' role has another name in each home of its own.
create function rowhouse.structure_role(grantee oid, tenant name) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select case when grantee = 0 then 'public' when pg_get_userbyid(grantee) = tenant then 'tenants' else pg_get_userbyid(grantee)::text end
$$;

-- One number for each of many homes. Which kinds of lines a home is compared by is the caller's: see
-- packages/fleet/src/rollout/drift.
create function rowhouse.structure_fingerprints(schemas name[], tenants name[])
  returns table (schema_name name, fingerprint text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select h.schema_name, (
    select md5(coalesce(string_agg(s.line, E'\n' order by s.line collate "C"), '')) from rowhouse.structure(h.schema_name, h.tenant) s
  )
  from unnest(schemas, tenants) h (schema_name, tenant)
$$;

-- What tenants of a home could do that they should not, table by table.
create function rowhouse.home_weaknesses(target name) returns table (relation text, message text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select format('%I', c.relname), w.message
  from rowhouse.relations_of((select n.oid from pg_namespace n where n.nspname = target)) r
  join pg_class c on c.oid = r.relation and c.relkind in ('r', 'p') and not c.relispartition
  cross join lateral rowhouse.weaknesses(c.oid) w
  where rowhouse.is_protected(c.oid)
  union all
  select format('%I', c.relname), format('%s is reached by tenants, and nothing keeps organizations apart there', c.relname)
  from rowhouse.relations_of((select n.oid from pg_namespace n where n.nspname = target)) r
  join pg_class c on c.oid = r.relation
  where rowhouse.is_open(c.oid);
end
$$;

revoke all on function
  rowhouse.structure(name, name), rowhouse.structure_role(oid, name), rowhouse.structure_fingerprints(name[], name[]),
  rowhouse.home_weaknesses(name)
  from public;
