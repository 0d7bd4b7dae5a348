-- How the change log says a row: its JSON, its key, what is hidden in it, and as text what JSON cannot say.

-- A row's JSON for looking into it: `->>` and json_each() fail on a json column that says \u0000, and so would the write.
create function rowhouse.readable(record json, inexact text[]) returns json
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if inexact <> '{}' then
    begin
      perform record ->> '';
    exception when untranslatable_character then
      return regexp_replace(record::text, '(?<!\\)((\\\\)*)\\u0000', '\1', 'g');
    end;
  end if;
  return record;
end
$$;

-- The key of a row without its organization: the value of one column, or a JSON array of several.
create function rowhouse.record_id(record json, key_columns text[], inexact text[] default '{}') returns text
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  readable json := rowhouse.readable(record, inexact);
begin
  if cardinality(key_columns) = 1 then
    return readable ->> key_columns[1];
  end if;
  return (
    select jsonb_agg((readable -> k)::jsonb order by position)
    from unnest(key_columns) with ordinality as c (k, position)
  )::text;
end
$$;

-- A row with '***' for what is hidden. What is null stays null, so that the log says whether there was a value. A hidden column
-- that the row has no more may have got another name: its values would be in the log for good, so the write is refused.
create function rowhouse.mask(record json, masked text[], inexact text[]) returns json
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  hidden json;
  columns text[];
begin
  if masked = '{}' or record is null then
    return record;
  end if;
  select json_object_agg(e.key, case when e.key = any (masked) and json_typeof(e.value) <> 'null' then '"***"' else e.value end),
    array_agg(e.key)
  into hidden, columns
  from json_each(rowhouse.readable(record, inexact)) e;
  if not masked <@ columns then
    raise exception 'The change log hides %, which the table has no more.',
      (select string_agg(m, ', ') from unnest(masked) m where m <> all (columns))
      using errcode = 'RH023', hint = 'Call rowhouse.protect() with the names that its "mask" hides now.';
  end if;
  return hidden;
end
$$;

-- The values of a row that would not come back from its JSON, as text by column; null where all would, as nearly always.
create function rowhouse.exact_values(target regclass, line record, as_json json, columns text[], masked text[])
  returns json
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  exact json;
begin
  begin
    if json_populate_record(line, as_json) *= line then
      return null;
    end if;
  exception when others then
    -- A type whose JSON is none of its own inputs.
    null;
  end;
  -- Through text, because only a named type has columns that a statement can name.
  execute format('select json_strip_nulls(json_build_object(%s)) from (select ($1::text::%s).*) r', (
    select string_agg(format('%L, r.%I::text', c, c), ', ') from unnest(columns) c where c <> all (masked)
  ), target) into exact using line;
  return exact;
end
$$;

-- Columns whose JSON may not lead back to their value: arrays that do not begin at 1, JSON null, composite values that
-- hold either, and types with a cast to json of their own.
create function rowhouse.inexact_columns(target regclass) returns text[]
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  attribute record;
  type record;
  names text[] := '{}';
begin
  for attribute in
    select a.attname::text as name, a.atttypid as type_id from pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by 1
  loop
    -- One by one, by key: joined, the planner may read the types of all schemas.
    loop
      select t.oid, t.typtype, t.typbasetype, t.typcategory into type from pg_type t where t.oid = attribute.type_id;
      if type.typcategory = 'A' or type.typtype = 'c' or type.oid in ('json'::regtype, 'jsonb'::regtype)
        or exists (select from pg_cast c where c.castsource = type.oid and c.casttarget in ('json'::regtype, 'jsonb'::regtype))
      then
        names := names || attribute.name;
        exit;
      end if;
      exit when type.typtype <> 'd';
      attribute.type_id := type.typbasetype;
    end loop;
  end loop;
  return names;
end
$$;

revoke all on function
  rowhouse.readable(json, text[]), rowhouse.record_id(json, text[], text[]), rowhouse.mask(json, text[], text[]),
  rowhouse.exact_values(regclass, record, json, text[], text[]), rowhouse.inexact_columns(regclass)
  from public;
