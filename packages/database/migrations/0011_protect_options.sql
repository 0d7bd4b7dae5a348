-- The options of rowhouse.protect(): checked once, before anything is done. docs/protect.md describes each.

create function rowhouse.check_protect_options(target regclass, options jsonb) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  option text;
  problem text;
begin
  if options is null or jsonb_typeof(options) <> 'object' then
    problem := 'they must be a JSON object';
  else
    for option in select jsonb_object_keys(options) loop
      exit when problem is not null;
      problem := rowhouse.option_problem(target, option, options -> option);
    end loop;
  end if;
  if problem is null and options ? 'access' and options -> 'access' <> 'null' then
    if options ? 'read' and options -> 'access' ? 'select' then
      problem := 'read is the short form of access.select; give one of them';
    elsif options ? 'write' and options -> 'access' ?| '{insert,update,delete}' then
      problem := 'write is the short form of access.insert, access.update and access.delete; give one of them';
    end if;
  end if;
  if problem is null and coalesce(options -> 'own', 'null') <> 'null'
    and (options -> 'timestamps' = 'false' or (options -> 'timestamps' is null and not rowhouse.has_timestamps(target)))
  then
    problem := 'own needs created_by, which "timestamps": true gives';
  end if;
  if problem is not null then
    raise exception 'The options of protect are not valid: %.', problem
      using errcode = 'RH023', hint = 'docs/protect.md describes every option.';
  end if;
end
$$;

-- What is wrong with one option, or null.
create function rowhouse.option_problem(target regclass, option text, value jsonb) returns text
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  kind text := jsonb_typeof(value);
  wrong text;
begin
  case
    when option in ('read', 'write') then
      if kind <> 'null' and not rowhouse.is_permission(value) then
        return format('%s takes the name of a permission, such as "data.read", or null', option);
      end if;
    when option in ('access', 'own') then
      if kind = 'null' or (option = 'own' and rowhouse.is_permission(value)) then
        return null;
      elsif kind <> 'object' and option = 'access' then
        return 'access takes an object, such as {"select": "data.read", "delete": "data.manage"}';
      elsif kind <> 'object' then
        return 'own takes the name of a permission, such as "data.manage", or an object, such as {"delete": "data.manage"}';
      end if;
      select e.key into wrong from jsonb_each(value) e
      where e.key not in ('select', 'update', 'delete') and not (e.key = 'insert' and option = 'access') limit 1;
      if found then
        return format('%s has no %L; it has select,%s update and delete', option, wrong,
          case when option = 'access' then ' insert,' else '' end);
      end if;
      select e.key into wrong from jsonb_each(value) e
      where not rowhouse.is_permission(e.value) and not (e.value = 'null' and option = 'access') limit 1;
      if found then
        return format('%s.%s takes the name of a permission, such as "data.manage"%s', option, wrong,
          case when option = 'access' then ', or null' else '' end);
      end if;
    when option in ('strict', 'timestamps') then
      if kind <> 'boolean' then
        return format('%s takes true or false', option);
      end if;
    when option = 'mask' then
      if kind <> 'array' then
        return 'mask takes an array of column names';
      end if;
      select format('mask names %s, which is not a column that can be masked', m.value) into wrong
      from jsonb_array_elements(value) m
      where jsonb_typeof(m.value) <> 'string' or m.value #>> '{}' = 'organization_id' or not exists (
        select from pg_attribute a
        where a.attrelid = target and a.attname = m.value #>> '{}' and a.attnum > 0 and not a.attisdropped
      )
      limit 1;
      return wrong;
    when option = 'policies' then
      if value not in ('"keep"', '"refuse"') then
        return 'policies takes "keep" or "refuse"';
      end if;
    when option = 'partitions' then
      if kind <> 'number' or value #>> '{}' !~ '^[0-9]{1,4}$' or (value #>> '{}')::int not between 2 and 1024 then
        return 'partitions takes a whole number from 2 to 1024';
      end if;
    when option = 'organization_reference' then
      if kind <> 'null' and (value #>> '{}' in ('declared', 'enforced', 'none')) is not true then
        return 'organization_reference takes "declared", "enforced" or "none"';
      elsif value = '"declared"' and current_setting('server_version_num')::int < 180000 then
        return 'organization_reference can be "declared" from Postgres 18 on';
      end if;
    else
      return format('there is no option %L; there are read, write, access, own, mask, strict, timestamps, partitions, policies and organization_reference',
        option);
  end case;
  return null;
end
$$;

create function rowhouse.is_permission(value jsonb) returns boolean
  language sql immutable
  return jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[a-z][a-z0-9_.-]{0,62}$';

-- A policy that somebody made by hand. A restrictive one narrows what protect allows and stays; a permissive one lets in
-- more inside the organization than the options say, so it is refused unless "policies": "keep" says that it is meant.
create function rowhouse.check_hand_made_policies(target regclass, options jsonb) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  hand_made text;
  statements text;
begin
  select string_agg(p.polname, ', ' order by p.polname),
    string_agg(format('drop policy %I on %s', p.polname, target), '; ' order by p.polname)
  into hand_made, statements
  from pg_policy p where p.polrelid = target and p.polpermissive and p.polname not like 'rowhouse\_%';
  if hand_made is not null and options ->> 'policies' is distinct from 'keep' then
    raise exception 'The table % has policies that protect did not make: %.', target, hand_made
      using errcode = 'RH022',
      hint = format('Express them with the options access and own, and %s; or keep them with "policies": "keep".', statements);
  end if;
end
$$;
