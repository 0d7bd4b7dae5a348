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

revoke all on function
  rowhouse.log_triggers(regclass, text), rowhouse.give_change_log(regclass, jsonb), rowhouse.trigger_arguments(text[]),
  rowhouse.is_logged(regclass)
  from public;
grant execute on function rowhouse.is_logged(regclass), rowhouse.log_triggers(regclass, text) to rowhouse_control;
