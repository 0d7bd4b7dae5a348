-- Tells retention how far each connection has read the change log.
create function rowhouse.note_log_reader() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'INSERT' and (tg_op = 'DELETE' or (new.organization_id, new.connection_id, new.kind)
    is distinct from (old.organization_id, old.connection_id, old.kind))
  then
    delete from rowhouse.log_readers r
    where old.kind = 'outbound' and r.organization_id = old.organization_id and r.connection_id = old.connection_id;
  end if;
  if tg_op <> 'DELETE' and new.kind = 'outbound' then
    insert into rowhouse.log_readers as r (organization_id, connection_id, snapshot)
    select new.organization_id, c.id, new.snapshot from rowhouse.connections c where c.id = new.connection_id
    on conflict (organization_id, connection_id) do update set snapshot = excluded.snapshot;
  end if;
  return null;
end
$$;
create trigger note_log_reader after insert or update or delete on rowhouse_home.sync_cursors
  for each row execute function rowhouse.note_log_reader();
alter table rowhouse_home.sync_cursors enable always trigger note_log_reader;
revoke all on function rowhouse.note_log_reader() from public;
