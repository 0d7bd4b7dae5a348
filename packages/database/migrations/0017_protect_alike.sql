-- A new table in many homes at once: protect() has made it in one, and the others get what came of it, as one CREATE TABLE with
-- the key as it will be. What they got is then compared with the first, fact by fact, before anybody else sees it. That takes a
-- third of what protect() takes in each. Who may call it may call protect().

-- How a table that protect() made is made again without it: up to its last constraint, and what comes after the table. Null where
-- there is more to the table than this can say, or something that each home has for itself, such as a type, a function or a
-- sequence of its own: names of a home are told by their form, which is long enough to be no part of anything else.
create function rowhouse.plain_statements(source regclass, out making text, out completing text, out privileges text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  home name;
  login name;
  -- The parts that may not name the home.
  own_parts text[];
  foreign_keys text[];
  indexes text[];
  is_plain boolean;
begin
  select n.nspname, rowhouse.home_login(n.oid),
    c.relkind = 'r' and c.relpersistence = 'p' and not c.relispartition and not c.relhassubclass and not c.relhasrules
      and c.reloftype = 0 and c.reltablespace = 0 and c.reloptions is null and c.relreplident = 'd'
      and c.relowner = 'rowhouse_owner'::regrole and c.relrowsecurity and c.relforcerowsecurity
      and c.relam = (select a.oid from pg_am a where a.amname = 'heap')
      and n.nspname ~ '^h_[0-9a-f]{16}$'
      and not exists (select from pg_inherits i where i.inhrelid = c.oid)
      and not exists (select from pg_statistic_ext s where s.stxrelid = c.oid)
      and not exists (select from pg_class t where t.oid = c.reltoastrelid and t.reloptions is not null)
      and not exists (
        select from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and (a.attidentity <> '' or a.attgenerated <> '' or a.attacl is not null
          or a.attoptions is not null or a.attcompression <> '' or a.attstorage <> t.typstorage))
      -- A column that was dropped leaves a gap in the numbers of the others.
      and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attisdropped)
      and not exists (
        select from pg_index i join pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and (x.reloptions is not null or x.reltablespace <> 0 or not i.indisvalid or i.indisclustered))
      and not exists (
        select from pg_trigger g join pg_proc p on p.oid = g.tgfoid
        where g.tgrelid = c.oid and not g.tgisinternal and (p.pronamespace <> 'rowhouse'::regnamespace or g.tgenabled not in ('O', 'A')))
      and not exists (
        select from aclexplode(c.relacl) a
        where a.grantee <> c.relowner
          and (a.is_grantable or a.grantee = 0 or pg_get_userbyid(a.grantee) is distinct from rowhouse.home_login(n.oid)))
  into home, login, is_plain
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.oid = source;
  if is_plain is not true or login is null then
    return;
  end if;

  own_parts := array(
    select format('%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end,
      ' default ' || pg_get_expr(d.adbin, d.adrelid), case when a.attnotnull then ' not null' else '' end)
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = source and a.attnum > 0
    order by a.attnum
  ) || array(
    select format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint k
    where k.conrelid = source and k.contype in ('p', 'u', 'c', 'x') and k.conname <> 'rowhouse_lives_here'
    order by k.oid
  );
  foreign_keys := array(
    select format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint k where k.conrelid = source and k.contype = 'f' order by k.oid
  );
  indexes := array(
    select pg_get_indexdef(i.indexrelid)
    from pg_index i
    where i.indrelid = source and not exists (
      select from pg_constraint k where k.conrelid = source and k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
    order by i.indexrelid
  );
  if strpos(concat_ws(' ', array_to_string(own_parts, ' '), replace(array_to_string(foreign_keys, ' '), ' REFERENCES ' || home || '.', ' '),
      replace(array_to_string(indexes, ' '), ' ON ' || source::text || ' ', ' ')), home) > 0
    or exists (select from unnest(own_parts || foreign_keys) p (part) where p.part like '% NOT VALID')
  then
    return;
  end if;

  making := format('create table %s (%s', source, array_to_string(own_parts || foreign_keys, ', '));
  completing := array_to_string(indexes || array(
    select pg_get_triggerdef(g.oid) from pg_trigger g where g.tgrelid = source and not g.tgisinternal order by g.oid
  ) || array(
    select format('create policy %I on %s as %s for %s to %s%s%s', p.polname, source,
      case when p.polpermissive then 'permissive' else 'restrictive' end,
      case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
      (select string_agg(case when r.id = 0 then 'public' else quote_ident(pg_get_userbyid(r.id)) end, ', ') from unnest(p.polroles) r (id)),
      ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    from pg_policy p where p.polrelid = source order by p.oid
  ) || (
    select format('alter table %s %s', source, string_agg(w.part, ', '))
    from (
      select format('enable always trigger %I', g.tgname) as part
      from pg_trigger g where g.tgrelid = source and not g.tgisinternal and g.tgenabled = 'A'
      union all
      values ('enable row level security'), ('force row level security')
    ) w
  ), '; ');
  select string_agg(a.privilege_type, ', ' order by a.privilege_type) into privileges
  from pg_class c cross join lateral aclexplode(c.relacl) a
  where c.oid = source and a.grantee <> c.relowner;
end
$$;

-- All that is said of tables in the catalogue and that tenants could feel, with each home's own taken out: its name, its login,
-- its organization. As the catalogue has it, which is read in a tenth of the time that writing it as statements takes. Other
-- places in the text of a statement are no difference; from Postgres 17 on they are not kept.
create function rowhouse.table_facts(targets regclass[]) returns table (target regclass, facts text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  rows 100
as $$
declare
  places text := case when current_setting('server_version_num')::int < 170000 then ':(location|stmt_location|stmt_len) -?\d+' end;
begin
  return query
  select c.oid::regclass, concat_ws(E'\n',
    concat_ws(' ', c.relname, c.relkind, c.relpersistence, c.relispartition, c.relhassubclass, c.relhasrules, c.reloftype, c.reltablespace,
      c.relam, c.reloptions, c.relreplident, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relhasindex, c.relchecks,
      -- Row types and toast tables have numbers of their own.
      c.reltoastrelid <> 0, replace(c.relacl::text, s.login, 'its login')),
    (select string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated,
        a.attisdropped, a.attcollation, a.attstorage, a.attcompression, a.attinhcount, a.attislocal, a.attacl, a.attoptions), E'\n' order by a.attnum)
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
    (select string_agg(d.adnum || ' ' || coalesce(regexp_replace(d.adbin::text, places, '', 'g'), d.adbin::text), E'\n' order by d.adnum)
      from pg_attrdef d where d.adrelid = c.oid),
    (select string_agg(concat_ws(' ', k.conname, k.contype, k.convalidated, k.condeferrable, k.condeferred, k.connoinherit, k.conkey,
        case when k.contype in ('c', 'f', 'u', 'x')
          then replace(replace(pg_get_constraintdef(k.oid), n.nspname || '.', ''), quote_literal(s.organization_id), 'its organization') end),
        E'\n' order by k.conname, k.contype)
      from pg_constraint k where k.conrelid = c.oid),
    (select string_agg(concat_ws(' ', x.relname, x.relam, x.reloptions, x.reltablespace, i.indisunique, i.indisprimary, i.indisexclusion,
        i.indimmediate, i.indisvalid, i.indisready, i.indislive, i.indisclustered, i.indisreplident, i.indnullsnotdistinct, i.indnkeyatts,
        i.indkey, i.indcollation, i.indclass, i.indoption, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)),
        E'\n' order by x.relname)
      from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid),
    (select string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles,
        coalesce(regexp_replace(p.polqual::text, places, '', 'g'), p.polqual::text), 'check',
        coalesce(regexp_replace(p.polwithcheck::text, places, '', 'g'), p.polwithcheck::text)), E'\n' order by p.polname)
      from pg_policy p where p.polrelid = c.oid),
    -- Those of foreign keys are named after the number of the key, so all else that may differ says their order.
    (select string_agg(concat_ws(' ', case when not g.tgisinternal then g.tgname end, g.tgfoid, g.tgtype, g.tgenabled, g.tgisinternal,
        g.tgdeferrable, g.tginitdeferred, g.tgattr, g.tgoldtable, g.tgnewtable,
        replace(encode(g.tgargs, 'escape'), n.nspname || '\000', ''), replace(pg_get_expr(g.tgqual, 0), n.nspname || '.', '')),
        E'\n' order by case when not g.tgisinternal then g.tgname end, g.tgfoid, g.tgtype, g.tgenabled, g.tgdeferrable, g.tginitdeferred)
      from pg_trigger g where g.tgrelid = c.oid))
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join rowhouse.tenant_schemas s on s.name = n.nspname and s.login is not null
  where c.oid = any (targets);
end
$$;

-- Makes the table in other homes. False where that cannot be said in plain statements; then nothing has been done.
create function rowhouse.make_alike(source regclass, schemas name[]) returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Of the last protect() of this session: the identity is counted by it.
  event_id bigint := currval(pg_get_serial_sequence('rowhouse.protection_events', 'id'));
  from_home name;
  table_name name;
  plain record;
  options text;
  caller text := current_setting('role');
  home record;
  made regclass[] := '{}';
  other text;
begin
  select n.nspname, c.relname into from_home, table_name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = source;
  select e.reason into options
  from rowhouse.protection_events e
  where e.id = event_id and e.action = 'protect' and e.target = source::text and e.transaction_id = pg_current_xact_id_if_assigned();
  if not found or exists (select from rowhouse.weaknesses(source)) then
    raise exception '% is not what protect() has just made.', source
      using errcode = 'RH095', hint = 'Call protect() first, in the same transaction.';
  end if;
  select * into plain from rowhouse.plain_statements(source);
  -- Counted one by one: NOT EXISTS, and a condition on the login, may be answered by reading all homes.
  if plain.making is null or cardinality(schemas) <> (
    select count(*) filter (where s.name ~ '^h_[0-9a-f]{16}$' and s.login is not null)
    from unnest(schemas) w (name) join rowhouse.tenant_schemas s on s.name = w.name)
  then
    return false;
  end if;

  with lines as (
    insert into rowhouse.protection_events (action, target, reason)
    select 'protect', format('%I.%I', w.name, table_name), options from unnest(schemas) w (name)
    returning id
  )
  select max(l.id) into event_id from lines l;
  perform set_config('rowhouse.protecting', event_id::text, true);
  -- So that nothing has to change its owner.
  set local role rowhouse_owner;
  for home in
    select s.name, s.login, rowhouse_check.text as organization_check
    from unnest(schemas) with ordinality as w (name, position)
    join rowhouse.tenant_schemas s on s.name = w.name
    cross join lateral format('CHECK ((organization_id = %L::uuid))', s.organization_id) rowhouse_check (text)
    order by w.position
  loop
    execute replace(plain.making, from_home, home.name)
      || format(', constraint rowhouse_lives_here %s); ', home.organization_check)
      || replace(plain.completing, from_home, home.name)
      || coalesce(format('; grant %s on %I.%I to %I', plain.privileges, home.name, table_name, home.login), '');
    made := made || format('%I.%I', home.name, table_name)::regclass;
  end loop;
  perform set_config('role', caller, true);
  perform rowhouse.stay_behind_guard();

  -- Of whom nothing is said, nothing is known.
  select m.target::text into other
  from unnest(made) m (target) left join rowhouse.table_facts(made) f on f.target = m.target
  where f.facts is distinct from (select one.facts from rowhouse.table_facts(array[source]) one)
  limit 1;
  if found or cardinality(made) <> cardinality(schemas) then
    raise exception '% is not like %, which protect() made.', other, source
      using errcode = 'RH095', hint = 'Something else changes tables that are made there: an event trigger, or privileges by default.';
  end if;
  return true;
end
$$;

-- The same, where it can be; else by the statements themselves, home by home, as in the first. Whatever hindered the one, the
-- other says in its own words.
create function rowhouse.protect_alike(source regclass, schemas name[], making text, protecting text) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set row_security = off
as $$
declare
  home name;
begin
  begin
    if rowhouse.make_alike(source, schemas) then
      return;
    end if;
  exception when others then
    raise notice 'One by one, because: %', sqlerrm;
  end;
  foreach home in array schemas loop
    perform set_config('search_path', format('%I, pg_temp', home), true);
    execute making;
    execute protecting;
  end loop;
end
$$;

revoke all on function
  rowhouse.plain_statements(regclass), rowhouse.table_facts(regclass[]), rowhouse.make_alike(regclass, name[]),
  rowhouse.protect_alike(regclass, name[], text, text)
  from public;
