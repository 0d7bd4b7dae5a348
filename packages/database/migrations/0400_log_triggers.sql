-- What writes the change log. A table has two triggers for each kind of write, and uses one of the two:
--
--   !rowhouse_change_log_{insert,update,delete}     after each row       log_change()
--   !rowhouse_change_log_{inserts,updates,deletes}  after the statement  log_statement(), over transition tables
--
-- Together, once a statement, they ask logs_each_row() which of them is to write. Over transition tables 10,000 rows
-- cost a third of what they cost row by row. But statement triggers come after all row triggers: where a trigger of the
-- user writes the same record again, or a foreign key deletes and updates beside the statement, lines would be in the
-- wrong order, and sync, rewind and undelete fold the lines of a record in their order. The row trigger is named so that it
-- is the first of its table. docs/adr/0006-each-statement-chooses-its-log-trigger.md has the numbers.
--
-- Arguments, from give_change_log(): schema, table, key column where it is `id` and its text is that of its JSON (else
-- ''), masked columns, key columns, columns whose JSON may not lead back to their value.

-- Whether a statement's changes must be logged row by row. Declared immutable so that the WHEN clause of a trigger folds
-- it once a statement: triggers are compiled when a statement starts and forgotten when it ends, and nobody changes a
-- table's triggers while it is written. What the catalogue says now, each time. The table is a regclass, which is dumped
-- by name: an oid would name nothing in a restored database, and neither trigger would fire.
create function rowhouse.logs_each_row(target regclass, operation text) returns boolean
  language plpgsql immutable security definer parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Few questions: each is prepared anew for each statement (11 µs), and all of this is asked twice. What can be asked
  -- without a query is; as one expression with a scan in each of its parts it took three times as long.
  -- Logical replication applies rows without firing statement triggers. A write that names a partition fires no statement
  -- trigger of its parent, and one that names a parent, also one that is inherited from, none of a child.
  if current_setting('session_replication_role') = 'replica' or pg_partition_root(target) is not null then
    return true;
  end if;
  perform 1
  from pg_trigger t
  where t.tgrelid = target and not t.tgisinternal and t.tgname not like '!rowhouse\_change\_log%' and t.tgenabled <> 'D' and t.tgtype & 66 = 0
  union all
  select 1 from pg_inherits i where i.inhrelid = target;
  if found then
    return true;
  end if;
  if operation = 'INSERT' then
    return false;
  end if;
  -- Foreign keys that refer to this table and act: cascades come back to other tables' triggers. And those of this table
  -- that act on it: an update of theirs may stand behind a delete of the same statement.
  perform 1
  from pg_trigger t
  where t.tgrelid = target and t.tgenabled <> 'D' and t.tgfoid in (
    'pg_catalog."RI_FKey_cascade_del"'::regproc, 'pg_catalog."RI_FKey_cascade_upd"'::regproc,
    'pg_catalog."RI_FKey_setnull_del"'::regproc, 'pg_catalog."RI_FKey_setnull_upd"'::regproc,
    'pg_catalog."RI_FKey_setdefault_del"'::regproc, 'pg_catalog."RI_FKey_setdefault_upd"'::regproc
  )
  union all
  select 1 from pg_constraint c
  where c.conrelid = target and c.contype = 'f' and (c.confdeltype in ('c', 'n', 'd') or c.confupdtype in ('c', 'n', 'd'));
  return found;
end
$$;

-- Who writes, where, and whether they may: what both triggers ask first. Without a seal only the migrator writes.
create function rowhouse.check_writer(actor jsonb, organization uuid, table_schema text, table_name text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  placement_state text;
  organization_status text;
begin
  if actor is null then
    if not pg_has_role(session_user, 'rowhouse_migrator', 'MEMBER') then
      raise exception 'A write to %.% carries no seal.', table_schema, table_name
        using errcode = 'RH014', hint = 'Write through rowhouse.as(…); migrations use the login rowhouse_migrator.';
    end if;
    return;
  end if;
  if actor ->> 'kind' = 'report' then
    raise exception 'A report may not write.' using errcode = 'RH012', hint = 'Write as a user or a service.';
  end if;
  -- Held already, unless the seal was set again after ROLLBACK TO a savepoint from before enter(), or in a second
  -- transaction of one simple message. Then the organization may have moved or been suspended, so its placement and status
  -- are asked for after the lock. 'moving' passes: the mover waits for this transaction.
  if not pg_try_advisory_xact_lock_shared(rowhouse.lock_key(organization)) then
    raise exception 'Organization % is being moved or suspended.', organization
      using errcode = 'RH010', hint = 'Try again in a moment.';
  end if;
  select p.state, o.status into placement_state, organization_status
  from rowhouse.placements p join rowhouse.organizations o on o.id = p.organization_id
  where p.organization_id = organization and p.database_name is null and (p.login is null or p.login = session_user);
  if (placement_state in ('active', 'moving')) is not true then
    raise exception 'Organization % does not live here.', organization
      using errcode = 'RH009', hint = 'Look up its placement again.';
  end if;
  if organization_status <> 'active' and actor ->> 'kind' <> 'operator' then
    raise exception 'Organization % is suspended.', organization
      using errcode = 'RH008', hint = 'An operator can resume it.';
  end if;
end
$$;

create function rowhouse.refuse_other_organization(table_schema text, table_name text) returns uuid
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'A row of another organization was written in %.%.', table_schema, table_name
    using errcode = 'RH015', hint = 'One transaction writes for one organization.';
end
$$;

-- A tenant's write must carry a seal of the row's organization; a write by somebody who may bypass RLS is logged as
-- 'migrator'. Values are logged in one form whatever the session's settings, so that a rewind reads what was written.
create function rowhouse.log_change() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set datestyle = 'ISO, YMD'
  set intervalstyle = 'iso_8601'
  set timezone = 'UTC'
  set extra_float_digits = '1'
as $$
declare
  actor jsonb := rowhouse.seal_payload();
  before json;
  after json;
  before_exact json;
  after_exact json;
  organization uuid;
  before_organization uuid;
  action text := lower(tg_op);
  record_id text;
begin
  if tg_op = 'INSERT' then
    organization := new.organization_id;
    before_organization := organization;
  elsif tg_op = 'DELETE' then
    organization := old.organization_id;
    before_organization := organization;
  else
    if old *= new then
      return null;
    end if;
    organization := new.organization_id;
    before_organization := old.organization_id;
  end if;
  if actor is not null and (organization = (actor ->> 'org')::uuid and before_organization = organization) is not true then
    perform rowhouse.refuse_other_organization(tg_argv[0], tg_argv[1]);
  end if;
  perform rowhouse.check_writer(actor, organization, tg_argv[0], tg_argv[1]);

  if tg_op <> 'INSERT' then
    before := to_json(old);
    if tg_argv[5] <> '{}' then
      before_exact := rowhouse.exact_values(tg_relid::regclass, old, before, tg_argv[5]::text[], tg_argv[3]::text[]);
    end if;
  end if;
  if tg_op <> 'DELETE' then
    after := to_json(new);
    if tg_argv[5] <> '{}' then
      after_exact := rowhouse.exact_values(tg_relid::regclass, new, after, tg_argv[5]::text[], tg_argv[3]::text[]);
    end if;
  end if;
  if tg_argv[2] = '' then
    record_id := rowhouse.record_id(coalesce(after, before), tg_argv[4]::text[], tg_argv[5]::text[]);
  elsif tg_op = 'DELETE' then
    record_id := old.id;
  else
    record_id := new.id;
  end if;
  if tg_argv[3] <> '{}' then
    before := rowhouse.mask(before, tg_argv[3]::text[], tg_argv[5]::text[]);
    after := rowhouse.mask(after, tg_argv[3]::text[], tg_argv[5]::text[]);
  end if;

  -- The migrator may move a row: then it left one organization and came to another, and both logs say so.
  if before_organization <> organization then
    insert into rowhouse.change_log (
      organization_id, table_schema, table_name, record_id, record_hash, action, old, old_exact,
      actor_kind, actor_id, origin
    ) values (
      before_organization, tg_argv[0], tg_argv[1], record_id, rowhouse.record_hash(record_id), 'delete', before,
      before_exact, 'migrator', session_user, 'migrator'
    );
    action := 'insert';
    before := null;
    before_exact := null;
  end if;
  insert into rowhouse.change_log (
    organization_id, table_schema, table_name, record_id, record_hash, action, old, new, old_exact, new_exact,
    actor_kind, actor_id, origin, reason, request_id, ip
  ) values (
    organization, tg_argv[0], tg_argv[1], record_id, hashtextextended(record_id collate "C", 0), action, before, after,
    before_exact, after_exact,
    coalesce(actor ->> 'kind', 'migrator'),
    case when actor is null then session_user
      else coalesce(actor ->> 'user', actor ->> 'service', actor ->> 'connection') end,
    case when actor is null then 'migrator' else coalesce(actor ->> 'origin', 'app') end,
    actor ->> 'reason', actor ->> 'request', actor ->> 'ip'
  );
  -- Asked here as well, because a call for each row would cost more than what it asks.
  if actor ->> 'kind' is distinct from 'sync'
    and current_setting('rowhouse.sync_told', true) is distinct from pg_current_xact_id()::text
  then
    perform rowhouse.tell_sync(organization);
  end if;
  return null;
end
$$;

-- The same for all rows of a statement at once. One line of them stands for all in the index of what is new (is_first);
-- without a seal, where one statement may write for many organizations, each stands for itself. The two transition tables
-- of an update hold the versions of a row at the same place. The functions of a simple column `id` stand in the statements,
-- because a call of one's own costs as much as the rest of a line.
create function rowhouse.log_statement() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set datestyle = 'ISO, YMD'
  set intervalstyle = 'iso_8601'
  set timezone = 'UTC'
  set extra_float_digits = '1'
as $$
declare
  actor jsonb := rowhouse.seal_payload();
  organization uuid := actor ->> 'org';
  kind text := coalesce(actor ->> 'kind', 'migrator');
  actor_id text := case when actor is null then session_user
    else coalesce(actor ->> 'user', actor ->> 'service', actor ->> 'connection') end;
  origin text := case when actor is null then 'migrator' else coalesce(actor ->> 'origin', 'app') end;
  reason text := actor ->> 'reason';
  request_id text := actor ->> 'request';
  ip text := actor ->> 'ip';
  is_plain constant boolean := tg_argv[2] <> '' and tg_argv[3] = '{}' and tg_argv[5] = '{}';
  masked text[] := tg_argv[3];
  key_columns text[] := tg_argv[4];
  inexact text[] := tg_argv[5];
begin
  if tg_op = 'INSERT' then
    if is_plain then
      insert into rowhouse.change_log (
        organization_id, table_schema, table_name, record_id, record_hash, action, new,
        actor_kind, actor_id, origin, reason, request_id, ip, is_first
      )
      select
        case when organization = rowhouse_row.organization_id or actor is null then rowhouse_row.organization_id
          else rowhouse.refuse_other_organization(tg_argv[0], tg_argv[1]) end,
        tg_argv[0], tg_argv[1], rowhouse_row.id::text, hashtextextended(rowhouse_row.id::text collate "C", 0), 'insert',
        to_json(rowhouse_row), kind, actor_id, origin, reason, request_id, ip,
        -- Compared with the first, because numbering the rows would copy them all.
        actor is null or rowhouse_row.id = (select f.id from written f limit 1)
      from written rowhouse_row;
    else
      insert into rowhouse.change_log (
        organization_id, table_schema, table_name, record_id, record_hash, action, new, new_exact,
        actor_kind, actor_id, origin, reason, request_id, ip, is_first
      )
      select
        case when organization = l.organization_id or actor is null then l.organization_id
          else rowhouse.refuse_other_organization(tg_argv[0], tg_argv[1]) end,
        tg_argv[0], tg_argv[1], l.record_id, rowhouse.record_hash(l.record_id), 'insert',
        rowhouse.mask(l.new, masked, inexact), l.new_exact,
        kind, actor_id, origin, reason, request_id, ip, actor is null or l.place = 1
      from (
        select r.organization_id, r.new, case when inexact = '{}' and cardinality(key_columns) = 1 then r.new ->> key_columns[1]
            else rowhouse.record_id(r.new, key_columns, inexact) end as record_id,
          case when inexact <> '{}' then rowhouse.exact_values(tg_relid::regclass, r.line, r.new, inexact, masked) end as new_exact, r.place
        from (select rowhouse_row.organization_id, rowhouse_row as line, to_json(rowhouse_row) as new, row_number() over () as place
          from written rowhouse_row offset 0) r
        offset 0
      ) l;
    end if;
  elsif tg_op = 'DELETE' then
    insert into rowhouse.change_log (
      organization_id, table_schema, table_name, record_id, record_hash, action, old, old_exact,
      actor_kind, actor_id, origin, reason, request_id, ip, is_first
    )
    select
      case when organization = l.organization_id or actor is null then l.organization_id
        else rowhouse.refuse_other_organization(tg_argv[0], tg_argv[1]) end,
      tg_argv[0], tg_argv[1], l.record_id, hashtextextended(l.record_id collate "C", 0), 'delete',
      case when masked <> '{}' then rowhouse.mask(l.old, masked, inexact) else l.old end, l.old_exact,
      kind, actor_id, origin, reason, request_id, ip, actor is null or l.place = 1
    from (
      select r.organization_id, r.old, case when inexact = '{}' and cardinality(key_columns) = 1 then r.old ->> key_columns[1]
          else rowhouse.record_id(r.old, key_columns, inexact) end as record_id,
        case when inexact <> '{}' then rowhouse.exact_values(tg_relid::regclass, r.line, r.old, inexact, masked) end as old_exact, r.place
      from (select rowhouse_row.organization_id, rowhouse_row as line, to_json(rowhouse_row) as old, row_number() over () as place
        from replaced rowhouse_row offset 0) r
      offset 0
    ) l;
  else
    -- The migrator may move a row: then it left one organization and came to another, and both logs say so.
    insert into rowhouse.change_log (
      organization_id, table_schema, table_name, record_id, record_hash, action, old, new, old_exact, new_exact,
      actor_kind, actor_id, origin, reason, request_id, ip, is_first
    )
    select
      case when actor is null or (organization = l.organization_id and not l.moved) then l.organization_id
        else rowhouse.refuse_other_organization(tg_argv[0], tg_argv[1]) end,
      tg_argv[0], tg_argv[1], l.record_id, hashtextextended(l.record_id collate "C", 0), l.action,
      case when masked <> '{}' then rowhouse.mask(l.old, masked, inexact) else l.old end,
      case when masked <> '{}' then rowhouse.mask(l.new, masked, inexact) else l.new end,
      l.old_exact, l.new_exact,
      kind, actor_id, origin, reason, request_id, ip, actor is null or l.place = 1
    from (
      select
        p.moved,
        case when p.moved and a.action = 'delete' then p.old_organization else p.new_organization end as organization_id,
        case when p.moved then a.action else 'update' end as action,
        case when a.action = 'delete' or not p.moved then p.old_json end as old,
        case when a.action = 'insert' or not p.moved then p.new_json end as new,
        case when inexact = '{}' and cardinality(key_columns) = 1 then p.new_json ->> key_columns[1]
          else rowhouse.record_id(p.new_json, key_columns, inexact) end as record_id,
        case when inexact <> '{}' and (a.action = 'delete' or not p.moved)
          then rowhouse.exact_values(tg_relid::regclass, p.old, p.old_json, inexact, masked) end as old_exact,
        case when inexact <> '{}' and (a.action = 'insert' or not p.moved)
          then rowhouse.exact_values(tg_relid::regclass, p.new, p.new_json, inexact, masked) end as new_exact,
        row_number() over (order by p.place, a.part) as place
      from (
        select o.organization_id as old_organization, n.organization_id as new_organization,
          o.organization_id <> n.organization_id as moved,
          o.line as old, n.line as new, to_json(o.line) as old_json, to_json(n.line) as new_json, n.place
        from (
          select rowhouse_row as line, rowhouse_row.organization_id, row_number() over () as place from replaced rowhouse_row
        ) o
        join (
          select rowhouse_row as line, rowhouse_row.organization_id, row_number() over () as place from written rowhouse_row
        ) n using (place)
        where o.line *<> n.line
        offset 0
      ) p
      join (values ('delete', 1), ('insert', 2)) a (action, part) on p.moved or a.part = 2
      order by p.place, a.part
      offset 0
    ) l;
  end if;
  -- After the lines, which a refusal takes back with the write: a statement that wrote no row needs no right to write.
  if found then
    perform rowhouse.check_writer(actor, organization, tg_argv[0], tg_argv[1]);
    if kind <> 'sync' then
      perform rowhouse.tell_sync(organization);
    end if;
  end if;
  return null;
end
$$;

-- TRUNCATE tells a row trigger nothing, so its rows are logged before they go. Who may truncate is the migrator; the
-- function runs as its caller, because the owner of a protected table sees none of its rows.
create function rowhouse.log_truncate() returns trigger
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set row_security = off
  set datestyle = 'ISO, YMD'
  set intervalstyle = 'iso_8601'
  set timezone = 'UTC'
  set extra_float_digits = '1'
as $$
declare
  masked text[] := tg_argv[3];
  key_columns text[] := tg_argv[4];
  inexact text[] := tg_argv[5];
begin
  if not pg_has_role(session_user, 'rowhouse_migrator', 'MEMBER') then
    raise exception 'TRUNCATE of the protected table % is for migrations.', tg_relid::regclass
      using errcode = 'RH016', hint = 'Use DELETE; migrations use the login rowhouse_migrator.';
  end if;
  -- Its partitions log their rows themselves, so that one that is truncated alone does as well.
  if (select c.relkind = 'p' from pg_class c where c.oid = tg_relid) then
    if exists (
      select from pg_partition_tree(tg_relid) p where p.isleaf and not exists (
        select from pg_trigger t where t.tgrelid = p.relid and t.tgname = 'rowhouse_log_truncate' and t.tgenabled = 'A'
      )
    ) then
      raise exception 'TRUNCATE of the protected table % would leave no trace of a partition in the change log.', tg_relid::regclass
        using errcode = 'RH016', hint = format('Call rowhouse.protect(%L) again, or use DELETE.', tg_relid::regclass);
    end if;
    return null;
  end if;
  execute format(
    'insert into rowhouse.change_log (
       organization_id, table_schema, table_name, record_id, record_hash, action, old, old_exact,
       actor_kind, actor_id, origin
     )
     select l.organization_id, $1, $2, l.record_id, rowhouse.record_hash(l.record_id), ''truncate'',
       rowhouse.mask(l.old, $3, $5), l.old_exact, ''migrator'', session_user, ''migrator''
     from (
       select rowhouse_row.organization_id, to_json(rowhouse_row) as old, rowhouse.record_id(to_json(rowhouse_row), $4, $5) as record_id,
         case when $5 <> ''{}'' then rowhouse.exact_values($6, rowhouse_row, to_json(rowhouse_row), $5, $3) end as old_exact
       from only %s rowhouse_row
     ) l', tg_relid::regclass)
  using tg_argv[0], tg_argv[1], masked, key_columns, inexact, tg_relid::regclass;
  return null;
end
$$;

revoke all on function
  rowhouse.logs_each_row(regclass, text), rowhouse.check_writer(jsonb, uuid, text, text),
  rowhouse.refuse_other_organization(text, text), rowhouse.log_change(), rowhouse.log_statement(), rowhouse.log_truncate()
  from public;
-- Asked by the WHEN clauses of a statement's triggers as whoever writes.
grant execute on function rowhouse.logs_each_row(regclass, text)
  to rowhouse_app, rowhouse_control, rowhouse_migrator, anon, authenticated, service_role;
