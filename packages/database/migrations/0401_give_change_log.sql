-- The part of rowhouse.protect() that has a table's writes logged: which triggers, and making them.

-- The triggers of a table, as they are wanted: name, statement that makes it. They name the table and not its number, so
-- that a dump carries them: after a restore the number would be another table's, or nobody's.
create function rowhouse.log_triggers(target regclass, arguments text)
  returns table (name text, statement text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select format('!rowhouse_change_log_%s', o.operation),
    format('create trigger "!rowhouse_change_log_%s" after %1$s on %2$s for each row
      when (rowhouse.logs_each_row(%3$L::regclass, %4$L)) execute function rowhouse.log_change(%5$s)',
      o.operation, target, target::text, upper(o.operation), arguments)
  from (values ('insert'), ('update'), ('delete')) o (operation)
  union all
  select format('!rowhouse_change_log_%ss', o.operation),
    format('create trigger "!rowhouse_change_log_%1$ss" after %1$s on %2$s referencing %6$s for each statement
      when (not rowhouse.logs_each_row(%3$L::regclass, %4$L)) execute function rowhouse.log_statement(%5$s)',
      o.operation, target, target::text, upper(o.operation), arguments, o.tables)
  from (values
    ('insert', 'new table as written'), ('update', 'old table as replaced new table as written'), ('delete', 'old table as replaced')
  ) o (operation, tables)
  -- A partitioned table is always logged row by row.
  where (select c.relkind = 'r' from pg_class c where c.oid = target)
  union all
  select 'rowhouse_log_truncate',
    format('create trigger rowhouse_log_truncate before truncate on %s for each statement
      execute function rowhouse.log_truncate(%s)', target, arguments)
$$;

-- The triggers fire ALWAYS: also for a session in replica mode. Triggers fire in the order of their names, and those of
-- the change log must be first. `statement` runs before the parts.
create function rowhouse.give_change_log(target regclass, options jsonb) returns table (statement text, part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  arguments text[];
  quoted text;
  key_columns text[];
  masked text[] := array(select jsonb_array_elements_text(options -> 'mask'));
  wanted record;
  existing_arguments bytea;
  enabled "char";
  has_triggers boolean;
  is_wanted boolean;
  is_new boolean := false;
  has_changed boolean := false;
begin
  select array_remove(rowhouse.column_names(k.conrelid, k.conkey), 'organization_id') into key_columns
  from pg_constraint k where k.conrelid = target and k.contype = 'p';
  -- As text: an array of names would cut a list of columns at 63 bytes.
  select array[
    n.nspname::text, c.relname,
    case when key_columns = '{id}' and exists (
      select from pg_attribute a where a.attrelid = target and a.attname = 'id'
        and a.atttypid in ('uuid'::regtype, 'int8'::regtype, 'int4'::regtype, 'int2'::regtype, 'text'::regtype, 'varchar'::regtype)
    ) then 'id' else '' end,
    masked::text, key_columns::text,
    rowhouse.inexact_columns(target)::text
  ]
  into arguments
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target;
  select string_agg(quote_literal(a.argument), ', ' order by a.position) into quoted
  from unnest(arguments) with ordinality as a (argument, position);

  has_triggers := exists (select from pg_trigger t where t.tgrelid = target);
  for wanted in
    select l.name, l.statement, target as relation from rowhouse.log_triggers(target, quoted) l
    union all
    select l.name, l.statement, p.relid
    from pg_partition_tree(target) p, rowhouse.log_triggers(p.relid, quoted) l
    where p.relid <> target and l.name = 'rowhouse_log_truncate'
  loop
    enabled := null;
    if has_triggers or wanted.relation <> target then
      select t.tgargs, t.tgenabled into existing_arguments, enabled
      from pg_trigger t where t.tgrelid = wanted.relation and t.tgname = wanted.name;
    end if;
    is_wanted := enabled is null;
    if is_wanted then
      is_new := true;
    elsif existing_arguments <> rowhouse.trigger_arguments(arguments) then
      has_changed := true;
      is_wanted := true;
      statement := format('drop trigger %I on %s', wanted.name, wanted.relation);
      return next;
    end if;
    continue when not is_wanted and enabled = 'A';
    statement := case when is_wanted then wanted.statement end;
    part := format('enable always trigger %I', wanted.name);
    if wanted.relation <> target then
      statement := concat_ws('; ', statement, format('alter table %s %s', wanted.relation, part));
      part := null;
    end if;
    return next;
    statement := null;
    part := null;
  end loop;
  if has_changed then
    done := 'the change log has other options';
    return next;
  elsif is_new then
    done := 'writes are logged';
    return next;
  end if;
end
$$;

-- As pg_trigger.tgargs keeps them: each ended by a zero byte.
create function rowhouse.trigger_arguments(arguments text[]) returns bytea
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select string_agg(convert_to(a.argument, 'UTF8'), '\x00'::bytea order by a.position) || '\x00'::bytea
  from unnest(arguments) with ordinality as a (argument, position)
$$;

-- The same read back.
create function rowhouse.arguments_of_trigger(arguments bytea) returns text[]
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  read text[] := '{}';
  rest bytea := arguments;
  ends_at int;
begin
  loop
    ends_at := position('\x00'::bytea in rest);
    exit when ends_at = 0;
    read := read || convert_from(substr(rest, 1, ends_at - 1), 'UTF8');
    rest := substr(rest, ends_at + 1);
  end loop;
  return read;
end
$$;

-- Whether this transaction changed what the arguments say: the name of the table, or a column that is more than one with a plain
-- type. Asked at every ALTER TABLE, most of which add such a column; a column that only got another name is told by the command.
create function rowhouse.log_may_be_behind(target oid) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- A table that gets another name or schema has its row type written too; keeps_protection() says why the counts hold.
  if not (pg_stat_get_xact_tuples_inserted('pg_attribute'::regclass) > 0 and current_setting('track_counts') = 'on'
    and pg_stat_get_xact_tuples_updated('pg_type'::regclass) = 0)
  then
    perform from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where t.tgrelid = target and t.tgname = 'rowhouse_log_truncate'
      and position(rowhouse.trigger_arguments(array[n.nspname::text, c.relname::text]) in t.tgargs) <> 1;
    if found then
      return true;
    end if;
  end if;
  return exists (
    select from pg_attribute a
    where a.attrelid = target and a.attnum > 0 and age(a.xmin) <= 0
      and (a.attisdropped or a.attname = 'id' or a.atttypid not in ('text'::regtype, 'uuid'::regtype, 'int4'::regtype, 'int8'::regtype,
        'int2'::regtype, 'bool'::regtype, 'timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'numeric'::regtype,
        'varchar'::regtype, 'bpchar'::regtype, 'float8'::regtype, 'float4'::regtype, 'bytea'::regtype))
  );
end
$$;

-- Has the log of a protected table follow what a command made of it: its name, its schema, the names and types of its columns.
-- The guard calls it, in the command's transaction. `renamed` is the number of the column that got another name, or 0.
create function rowhouse.bring_log_up(target oid, renamed int) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  known text[];
  masked text[];
  gone text[];
  step record;
  is_behind boolean := false;
  parts text[] := '{}';
  statements text[] := '{}';
begin
  select rowhouse.arguments_of_trigger(t.tgargs) into known
  from pg_trigger t where t.tgrelid = target and t.tgname = 'rowhouse_log_truncate';
  if not found then
    return;
  end if;
  masked := known[4];
  gone := array(
    select m from unnest(masked) m
    where not exists (select from pg_attribute a where a.attrelid = target and a.attname = m and a.attnum > 0 and not a.attisdropped)
  );
  -- What is hidden stays hidden under its new name. Where a column was ever dropped, the one that is gone may be that one: then
  -- writes are refused until protect() says what is hidden.
  if renamed > 0 and cardinality(gone) = 1
    and not exists (select from pg_attribute a where a.attrelid = target and a.attnum > 0 and a.attisdropped)
  then
    select array_replace(masked, gone[1], a.attname::text) into masked
    from pg_attribute a where a.attrelid = target and a.attnum = renamed;
  end if;

  for step in select g.* from rowhouse.give_change_log(target, jsonb_build_object('mask', masked)) g loop
    statements := statements || step.statement;
    parts := parts || step.part;
    is_behind := is_behind or coalesce(step.done = 'the change log has other options', false);
  end loop;
  -- A partition that came without a trigger for TRUNCATE is for protect(), which makes it the owner's.
  if not is_behind then
    return;
  end if;
  if array_to_string(parts, '') <> '' then
    statements := statements || format('alter table %s %s', target::regclass, array_to_string(parts, ', '));
  end if;
  perform rowhouse.go_past_guard('protect', target, format('The change log follows what %s.%s is now.', known[1], known[2]));
  begin
    execute array_to_string(statements, '; ');
  exception when insufficient_privilege then
    raise exception 'The change log of % would not follow this command: %.', target::regclass, sqlerrm
      using errcode = 'RH042', hint = (
        select case
          when not has_schema_privilege(n.oid, 'usage')
            then format('Run it again after: grant usage on schema %I to %I', n.nspname, current_user)
          else format('Run it again after: select rowhouse.protect(%L), with its options', format('%I.%I', known[1], known[2]))
        end
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target);
  end;
  perform rowhouse.stay_behind_guard();
end
$$;

revoke all on function
  rowhouse.arguments_of_trigger(bytea), rowhouse.log_may_be_behind(oid), rowhouse.bring_log_up(oid, int) from public;
revoke all on function
  rowhouse.log_triggers(regclass, text), rowhouse.give_change_log(regclass, jsonb), rowhouse.trigger_arguments(text[]),
  rowhouse.is_logged(regclass)
  from public;
grant execute on function rowhouse.is_logged(regclass), rowhouse.log_triggers(regclass, text) to rowhouse_control;
