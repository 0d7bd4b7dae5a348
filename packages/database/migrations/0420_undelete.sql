-- Brings a deleted record back as the change log last saw it, as whoever is sealed: policies, triggers and the log hold it
-- as any insert. Returns the columns that could not be restored, and why. Generated columns are made anew.
create function rowhouse.undelete(target regclass, record text)
  returns table (column_name text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set datestyle = 'ISO, YMD'
  set intervalstyle = 'iso_8601'
  set timezone = 'UTC'
  set extra_float_digits = '1'
as $$
#variable_conflict use_variable
declare
  last_line record;
  was json;
  kept text[] := '{}';
  expressions text[] := '{}';
  col record;
begin
  select l.action, l.old, l.old_exact into last_line
  from rowhouse.change_log l
  join pg_class c on c.oid = target
  join pg_namespace n on n.oid = c.relnamespace
  where l.organization_id = (select rowhouse.organization_id())
    and l.record_hash = rowhouse.record_hash(record) and l.record_id = record
    and l.table_schema = n.nspname and l.table_name = c.relname and l.action <> 'read'
  order by l.seq desc limit 1;
  if not found or last_line.action not in ('delete', 'truncate') then
    raise exception 'The record % of % is not deleted.', record, target
      using errcode = 'RH051', hint = 'The change log holds no delete of it that is its last change: rowhouse audit history.';
  end if;
  was := rowhouse.readable(last_line.old, array['any']);

  for col in
    select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, was -> a.attname is not null as is_there
    from pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname <> 'organization_id'
    order by a.attnum
  loop
    if last_line.old_exact ->> col.name is not null then
      expressions := expressions || format('%L::%s', last_line.old_exact ->> col.name, col.type);
    elsif was ->> col.name = '***' then
      column_name := col.name;
      reason := 'its values are hidden from the change log';
      return next;
      continue;
    elsif col.is_there then
      expressions := expressions || format('p.%I', col.name);
    else
      continue;
    end if;
    kept := kept || col.name;
  end loop;
  for col in
    select e.key as name from json_each(was) e
    where json_typeof(e.value) <> 'null' and not exists (
      select from pg_attribute a where a.attrelid = target and a.attname = e.key and a.attnum > 0 and not a.attisdropped
    )
  loop
    column_name := col.name;
    reason := 'the table has no such column any more';
    return next;
  end loop;

  begin
    execute format('insert into %s (%s) overriding system value select %s from json_populate_record(null::%1$s, $1) p',
      target, rowhouse.column_list(kept), array_to_string(expressions, ', '))
    using (
      select json_object_agg(e.key, e.value) from json_each(was) e
      where e.key = any (kept) and last_line.old_exact -> e.key is null
    );
  exception
    when unique_violation then
      raise exception 'Another row of % stands where the record % would come back.', target, record
        using errcode = 'RH052', detail = sqlerrm, hint = 'Change or delete that row first.';
    when foreign_key_violation then
      raise exception 'A row that the record % of % refers to is gone.', record, target
        using errcode = 'RH053', detail = sqlerrm, hint = 'Undelete that row first.';
    when not_null_violation then
      raise exception 'The record % of % needs a value that the change log does not hold.', record, target
        using errcode = 'RH054', detail = sqlerrm, hint = 'Insert it anew with that value.';
  end;
end
$$;

revoke all on function rowhouse.undelete(regclass, text) from public;
grant execute on function rowhouse.undelete(regclass, text), rowhouse.readable(json, text[]), rowhouse.column_list(text[])
  to rowhouse_app, authenticated, service_role;
