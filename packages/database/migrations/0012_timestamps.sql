-- The option timestamps: created_at, updated_at and created_by, which the database keeps. What a person sends for them is
-- put right, not refused, so that a client may write back a whole row it has read. Services, operators, the sync engine and
-- migrations may tell them: they import what happened elsewhere.

-- Named ~, so that it is the last BEFORE ROW trigger and sees what those of the application made of the row. ORIGIN, not
-- ALWAYS: a session in replica mode, which no tenant can be, copies rows as they are. Its arguments are the generated
-- columns, whose new values are not known yet.
create function rowhouse.stamp_row() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  actor jsonb := rowhouse.seal_payload();
  is_person boolean := coalesce(actor ->> 'kind' = 'user', false);
begin
  if tg_op = 'INSERT' then
    if is_person then
      new.created_by := (actor ->> 'user')::uuid;
      new.created_at := now();
      new.updated_at := now();
    end if;
    return new;
  end if;
  if is_person then
    new.created_by := old.created_by;
    new.created_at := old.created_at;
    new.updated_at := old.updated_at;
  end if;
  -- An update that changes nothing leaves no trace, here as in the change log. *<> compares images, so that it can do json.
  if new.updated_at is not distinct from old.updated_at and new *<> old
    and (tg_nargs = 0 or to_jsonb(new) - tg_argv::text[] <> to_jsonb(old) - tg_argv::text[])
  then
    new.updated_at := now();
  end if;
  return new;
end
$$;

create function rowhouse.has_timestamps(target regclass) returns boolean
  language sql stable
  return exists (
    select from pg_catalog.pg_trigger t
    where t.tgrelid = target and t.tgname = '~rowhouse_stamp' and t.tgfoid = 'rowhouse.stamp_row()'::regprocedure
  );

create function rowhouse.give_timestamps(target regclass, options jsonb) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  wanted record;
  existing record;
  generated text[];
begin
  if options -> 'timestamps' = 'false' and rowhouse.has_timestamps(target) then
    execute format('drop trigger "~rowhouse_stamp" on %s', target);
    return next 'created_at, updated_at and created_by are no longer kept';
  end if;
  if (options ->> 'timestamps')::boolean is not true then
    return;
  end if;

  for wanted in
    select * from (values
      ('created_at', 'timestamptz'::regtype, 'now()', true),
      ('updated_at', 'timestamptz'::regtype, 'now()', true),
      ('created_by', 'uuid'::regtype, 'rowhouse.user_id()', false)
    ) as w (name, type, value, mandatory)
  loop
    select a.atttypid, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) as value into existing
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = target and a.attname = wanted.name and not a.attisdropped;
    if not found then
      execute format('alter table %s add column %I %s%s default %s', target, wanted.name, wanted.type,
        case when wanted.mandatory then ' not null' else '' end, wanted.value);
      return next format('added %s', wanted.name);
      continue;
    end if;
    if existing.atttypid <> wanted.type then
      raise exception '% of % is of the type %; timestamps need %.', wanted.name, target, existing.atttypid::regtype, wanted.type
        using errcode = 'RH024', hint = format('alter table %s alter column %I type %s', target, wanted.name, wanted.type);
    end if;
    if existing.value is distinct from wanted.value then
      execute format('alter table %s alter column %I set default %s', target, wanted.name, wanted.value);
      return next format('%s defaults to %s', wanted.name, wanted.value);
    end if;
  end loop;

  if not exists (
    select from pg_constraint c
    where c.conrelid = target and c.contype = 'f' and rowhouse.column_names(c.conrelid, c.conkey) = '{created_by}'
  ) then
    -- Without an action: whoever is deleted stays in rowhouse.users as a row without a name.
    begin
      execute format('alter table %s add constraint rowhouse_created_by_is_known foreign key (created_by)
        references rowhouse.users (id)', target);
    exception when foreign_key_violation then
      raise exception 'created_by of % names people who are not in rowhouse.users.', target
        using errcode = 'RH021', hint = 'Insert their ids into rowhouse.users, or set created_by to null.';
    end;
    return next 'created_by refers to rowhouse.users';
  end if;

  select array_agg(a.attname::text order by a.attnum) into generated
  from pg_attribute a where a.attrelid = target and a.attgenerated <> '' and not a.attisdropped;
  if rowhouse.has_timestamps(target) and exists (
    select from pg_trigger t
    where t.tgrelid = target and t.tgname = '~rowhouse_stamp'
      and t.tgargs = coalesce(rowhouse.trigger_arguments(generated), '') and t.tgenabled in ('O', 'A')
  ) then
    return;
  end if;
  execute format('create or replace trigger "~rowhouse_stamp" before insert or update on %s
    for each row execute function rowhouse.stamp_row(%s)', target,
    (select string_agg(quote_literal(g.name), ', ' order by g.position) from unnest(generated) with ordinality as g (name, position)));
  execute format('alter table %s enable trigger "~rowhouse_stamp"', target);
  return next 'created_at, updated_at and created_by are kept';
end
$$;
