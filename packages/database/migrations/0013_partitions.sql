-- The option partitions: an empty table becomes one that is partitioned by hash of organization_id, so that a query of one
-- organization reads one partition and vacuum has small tables. And what holds for every partition, whoever made it: no
-- tenant reaches it except through its parent, whose policy holds.

-- A name that fits into 63 bytes with its suffix, cut between characters.
create function rowhouse.fit_name(base text, suffix text) returns text
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  while octet_length(base) + octet_length(suffix) > 63 loop
    base := left(base, -1);
  end loop;
  return base || suffix;
end
$$;

-- Partitions take neither privileges nor policies from their parent. With row security forced and no policy of its own, a
-- partition shows nothing, also where somebody grants it.
create function rowhouse.close_partitions(target regclass) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  part record;
  closed int := 0;
begin
  -- For the planner a partition tree has a thousand relations; most tables have none.
  if not exists (select from pg_class c where c.oid = target and c.relkind = 'p') then
    return;
  end if;
  for part in
    select c.oid::regclass as name, c.relrowsecurity and c.relforcerowsecurity as secured, c.relowner <> parent.relowner as strange,
      pg_get_userbyid(parent.relowner) as owner
    from pg_partition_tree(target) t
    join pg_class c on c.oid = t.relid
    join pg_class parent on parent.oid = target
    where t.relid <> target and c.relkind in ('r', 'p')
  loop
    if not part.secured then
      execute format('alter table %s enable row level security, force row level security', part.name);
      closed := closed + 1;
    end if;
    execute format('revoke all on %s from public, anon, authenticated, service_role, rowhouse_app', part.name);
    if part.strange then
      execute format('alter table %s owner to %I', part.name, part.owner);
    end if;
  end loop;
  if closed > 0 then
    return next format('%s partitions are reached through %s only', closed, target);
  end if;
end
$$;

-- Statements that make again what CREATE TABLE … LIKE leaves out, in their order. Their text names the table as it is
-- called when this runs, so it runs before the table is renamed.
create function rowhouse.statements_of(target regclass) returns setof text
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select format('alter table %s add constraint %I %s', target, c.conname, pg_get_constraintdef(c.oid))
    from pg_constraint c where c.conrelid = target and c.contype in ('p', 'u', 'x') order by c.contype, c.conname;
  return query
    select pg_get_indexdef(i.indexrelid) from pg_index i
    where i.indrelid = target and not exists (select from pg_constraint c where c.conrelid = i.indrelid and c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
    order by i.indexrelid;
  return query
    select format('comment on index %s is %L', i.indexrelid::regclass, obj_description(i.indexrelid, 'pg_class'))
    from pg_index i where i.indrelid = target and obj_description(i.indexrelid, 'pg_class') is not null;
  return query
    select format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
    from rowhouse.foreign_keys_of(target) k join pg_constraint c on c.oid = k
    where c.conparentid = 0 order by c.conrelid = target desc, c.conname;
  return query
    select format('comment on constraint %I on %s is %L', c.conname, c.conrelid::regclass, obj_description(c.oid, 'pg_constraint'))
    from pg_constraint c
    where c.oid in (
        select k.oid from pg_constraint k where k.conrelid = target and k.contype in ('p', 'u', 'x')
        union all select rowhouse.foreign_keys_of(target))
      and obj_description(c.oid, 'pg_constraint') is not null;
  return query
    select format('comment on table %s is %L', target, obj_description(target, 'pg_class'))
    where obj_description(target, 'pg_class') is not null;
  -- The triggers of Rowhouse are made again by protect().
  return query
    select pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else format('; alter table %s %s trigger %I', target,
        case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname) end
    from pg_trigger t
    where t.tgrelid = target and not t.tgisinternal and t.tgfoid not in (
      select p.oid from pg_proc p where p.pronamespace = 'rowhouse'::regnamespace)
    order by t.tgname;
  return query
    select format('create policy %I on %s as %s for %s to %s%s%s', p.policyname, target, p.permissive, p.cmd,
      (select string_agg(case when r = 'public' then 'public' else quote_ident(r) end, ', ') from unnest(p.roles) r),
      ' using (' || p.qual || ')', ' with check (' || p.with_check || ')')
    from pg_policies p join pg_class c on c.oid = target and c.relname = p.tablename
    where p.schemaname::regnamespace = c.relnamespace and p.policyname not like 'rowhouse\_%';
  return query
    select format('grant %s on %s to %s%s', a.privilege_type, target,
      case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
      case when a.is_grantable then ' with grant option' else '' end)
    from pg_class c, aclexplode(c.relacl) a where c.oid = target and a.grantee <> c.relowner;
  return query
    select format('grant %s (%I) on %s to %s', a.privilege_type, t.attname, target,
      case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
    from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = target and not t.attisdropped;
  -- An identity column gets a sequence of its own: it goes on where the old one was, under its name.
  return query
    select format('do %L', format('declare made text := pg_get_serial_sequence(%L, %L); begin perform setval(made, %s, %L); execute %L || made || %L; end',
      target::text, a.attname, coalesce(s.last_value, s.start_value), s.last_value is not null,
      'alter sequence ', format(' rename to %I', s.sequencename)))
    from pg_attribute a
    join pg_sequences s on format('%I.%I', s.schemaname, s.sequencename) = pg_get_serial_sequence(target::text, a.attname)
    where a.attrelid = target and a.attidentity <> '';
end
$$;

-- Returns the table to go on with: the new one where it was converted. Its keys begin with organization_id already.
create function rowhouse.partition_table(target regclass, partitions int) returns regclass
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  source record;
  statements text[];
  statement text;
  sequence record;
  converted regclass;
  spare text;
  problem text;
begin
  select c.relkind, c.relname::text as name, n.nspname::text as namespace, c.relowner, array_to_string(c.reloptions, ', ') as storage,
    format('%I.%I', n.nspname, c.relname) as qualified
  into source
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target;
  if source.relkind = 'p' then
    if pg_get_partkeydef(target) = 'HASH (organization_id)'
      and (select count(*) from pg_inherits i where i.inhparent = target) = partitions
    then
      return target;
    end if;
    problem := format('it is partitioned by %s already', pg_get_partkeydef(target));
  elsif not rowhouse.is_empty(target) then
    problem := 'it holds rows';
  elsif exists (select from pg_publication_rel p where p.prrelid = target) then
    problem := 'it is in a publication, which would lose it';
  elsif exists (select from pg_rewrite r where r.ev_class = target) then
    problem := 'it has rules';
  end if;
  if problem is not null then
    raise exception '% cannot be partitioned: %.', target, problem
      using errcode = 'RH025', hint = 'Make a new table with "partitions", copy the rows, and drop this one.';
  end if;

  statements := array(select rowhouse.statements_of(target));
  for statement in
    select format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname)
    from rowhouse.foreign_keys_of(target) k join pg_constraint c on c.oid = k
    where c.conparentid = 0 and c.confrelid = target and c.conrelid <> target
  loop
    execute statement;
  end loop;
  spare := 'rowhouse_' || target::oid;
  execute format('alter table %s rename to %I', target, spare);
  execute format('create table %s (like %I.%I including all excluding indexes) partition by hash (organization_id)',
    source.qualified, source.namespace, spare);
  converted := source.qualified::regclass;
  if pg_get_userbyid(source.relowner) <> current_user then
    execute format('alter table %s owner to %I', converted, pg_get_userbyid(source.relowner));
  end if;
  for sequence in
    select d.objid::regclass as name, a.attname
    from pg_depend d
    join pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_attribute a on a.attrelid = target and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = target and d.deptype = 'a'
  loop
    execute format('alter sequence %s owned by %s.%I', sequence.name, converted, sequence.attname);
  end loop;
  execute format('drop table %I.%I', source.namespace, spare);
  for part in 0 .. partitions - 1 loop
    execute format('create table %I.%I partition of %s for values with (modulus %s, remainder %s)%s', source.namespace,
      rowhouse.fit_name(source.name, '_p' || lpad(part::text, length((partitions - 1)::text), '0')), converted, partitions, part,
      ' with (' || source.storage || ')');
  end loop;
  foreach statement in array statements loop
    execute statement;
  end loop;
  return converted;
exception
  when dependent_objects_still_exist or feature_not_supported or wrong_object_type or duplicate_table then
    raise exception '% cannot be partitioned: %.', source.qualified, sqlerrm
      using errcode = 'RH025', hint = 'Drop what the message names, protect, and make it again.';
end
$$;
