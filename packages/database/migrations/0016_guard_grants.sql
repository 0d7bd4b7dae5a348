-- What a GRANT has changed, for the guard: Postgres does not say. Found without reading the catalogue of all organizations, and
-- by reading it where that is not certain.

-- The relations of some schemas that have privileges of their own or on a column, and the version of the row in the catalogue
-- that says so.
create function rowhouse.privileges_in(schemas name[])
  returns table (relation oid, of_column boolean, version text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- A schema has some dozen relations, whatever the planner thinks.
  set enable_seqscan = off
as $$
begin
  return query
  with relations as materialized (
    select r.relation as id from pg_namespace n cross join lateral rowhouse.relations_of(n.oid) r where n.nspname = any (schemas)
  )
  select c.oid, false, format('%s %s', c.oid, c.ctid)
  from relations r join pg_class c on c.oid = r.id where c.relacl is not null
  union all
  select a.attrelid, true, format('%s.%s %s', a.attrelid, a.attnum, a.ctid)
  from relations r join pg_attribute a on a.attrelid = r.id where a.attacl is not null;
end
$$;

-- GRANT names no object to an event trigger. So before it the guard notes what privileges there are where names are looked for,
-- and how many rows of the catalogue this transaction has changed so far. Without a search_path of its own, which is what
-- it asks for.
create function rowhouse.note_grant() returns event_trigger
  language plpgsql security definer
as $$
begin
  perform rowhouse.note_before_grant(pg_catalog.current_schemas(false));
end
$$;

create function rowhouse.note_before_grant(schemas name[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowhouse.is_past_guard() then
    return;
  end if;
  perform set_config('rowhouse.before_grant', jsonb_build_object(
    'schemas', schemas,
    'relations', pg_stat_get_xact_tuples_updated('pg_class'::regclass),
    'columns', pg_stat_get_xact_tuples_updated('pg_attribute'::regclass),
    'versions', array(select p.version from rowhouse.privileges_in(schemas) p))::text, true);
end
$$;

-- What a GRANT has changed: what has another version than before it. Where that are as many rows as were changed in all, it is
-- all of it. Else privileges went elsewhere, or nobody counts (track_counts), and the whole catalogue is read for what this
-- transaction or a later one wrote, hence age() <= 0. At 10,000 schemas that takes a second, and a migration that grants would
-- do it in each of them.
create function rowhouse.granted_relations() returns setof oid
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  rows 2
as $$
declare
  before jsonb := nullif(current_setting('rowhouse.before_grant', true), '')::jsonb;
  found_relations bigint;
  found_columns bigint;
  changed oid[];
begin
  if before is not null then
    perform set_config('rowhouse.before_grant', '', true);
    select array_agg(distinct p.relation), count(*) filter (where not p.of_column), count(*) filter (where p.of_column)
    into changed, found_relations, found_columns
    from rowhouse.privileges_in(array(select jsonb_array_elements_text(before -> 'schemas'))::name[]) p
    left join jsonb_array_elements_text(before -> 'versions') b (version) on b.version = p.version
    where b.version is null;
    if found_relations = pg_stat_get_xact_tuples_updated('pg_class'::regclass) - (before ->> 'relations')::bigint
      and found_columns = pg_stat_get_xact_tuples_updated('pg_attribute'::regclass) - (before ->> 'columns')::bigint
    then
      return query select unnest(changed);
      return;
    end if;
  end if;
  return query
  select c.oid from pg_class c where c.relacl is not null and c.relkind in ('r', 'p', 'f', 'm', 'v') and age(c.xmin) <= 0
  union
  select a.attrelid from pg_attribute a where a.attacl is not null and age(a.xmin) <= 0;
end
$$;
