-- The guard: event triggers that refuse to loosen a protected table, that have its change log follow it where it or its columns
-- change, and that let no tenant reach a new one. The installer
-- makes them where the server lets it (a superuser, or Supabase's postgres); elsewhere rowhouse.findings() says guard_missing.
-- It keeps mistakes and careless migrations out. Whoever owns the schema rowhouse, and a superuser, can get past it:
-- findings() then names what they did.
-- Long because what weakens a table, what the guard refuses and what findings() says where nothing did are one list.

-- What is wrong with a protected table: the code it is refused with, what it is, and the statement that mends it. Asked at every
-- command that changes such a table, so a question each: as one statement, Postgres set up all of it for each table, which took
-- longer than the command.
create function rowhouse.weaknesses(target oid) returns table (sqlstate_code text, message text, fix text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  name text := target::regclass;
  protect_again text := format('select rowhouse.protect(%L)', name);
  relation record;
  found_text text;
begin
  select c.relrowsecurity and c.relforcerowsecurity as is_forced, c.relowner as owner into relation from pg_class c where c.oid = target;
  if not relation.is_forced then
    return query select 'RH040', format('Row security of %s would be off, or would not hold its owner', name),
      format('alter table %s enable row level security, force row level security', name);
  end if;
  if not exists (
    select from pg_policy p
    where p.polrelid = target and p.polname = 'rowhouse_organization' and not p.polpermissive and p.polcmd = '*' and p.polroles = '{0}'
      and pg_get_expr(p.polqual, p.polrelid) = rowhouse.policy_text()
      and pg_get_expr(p.polwithcheck, p.polrelid) = rowhouse.policy_check_text())
  then
    return query select 'RH040', format('The policy rowhouse_organization of %s would be missing or another', name), protect_again;
  end if;
  if not exists (
    select from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = target and a.attname = 'organization_id' and a.attnotnull and a.atttypid = 'uuid'::regtype
      and pg_get_expr(d.adbin, d.adrelid) = 'rowhouse.organization_id()')
  then
    return query select 'RH041', format('organization_id of %s would not be uuid, not null and rowhouse.organization_id() by default', name), protect_again;
  end if;
  if not exists (select from pg_constraint k where k.conrelid = target and k.contype = 'p') then
    return query select 'RH041', format('The primary key of %s would be gone', name), format('alter table %s add primary key (organization_id, id)', name);
  end if;
  return query
  select 'RH041', format('The unique key %s would not begin with organization_id', i.indexrelid::regclass),
    'Put organization_id first in it.'
  from pg_index i
  where i.indrelid = target and (i.indisunique or i.indisexclusion) and not exists (
    select from pg_attribute a where a.attrelid = target and a.attnum = i.indkey[0] and a.attname = 'organization_id');
  return query
  select 'RH041', format('The foreign key %s of %s would lack organization_id', f.conname, f.conrelid::regclass),
    format('Make it foreign key (organization_id, …) references %s (organization_id, …).', f.confrelid::regclass)
  from rowhouse.foreign_keys_of(target) k join pg_constraint f on f.oid = k
  where (f.confrelid = target or rowhouse.is_protected(f.confrelid))
    and coalesce(
      array_position(rowhouse.column_names(f.conrelid, f.conkey), 'organization_id')
        = array_position(rowhouse.column_names(f.confrelid, f.confkey), 'organization_id'), false) is false;
  if not rowhouse.is_logged(target) then
    return query select 'RH042', format('The change log of %s would miss writes: one of its triggers would be gone, other or not enabled always', name),
      protect_again;
  end if;
  if exists (select from pg_trigger t where t.tgrelid = target and t.tgname = '~rowhouse_stamp' and t.tgenabled not in ('O', 'A')) then
    return query select 'RH042', format('created_at, updated_at and created_by of %s would no longer be kept', name),
      format('select rowhouse.protect(%L, ''{"timestamps": true}'')', name);
  end if;
  found_text := rowhouse.tenant_reach(target, 'truncate, references, trigger');
  if found_text is not null then
    return query select 'RH043', format('%s would have TRUNCATE, REFERENCES or TRIGGER on %s, which row security does not hold', found_text, name),
      format('revoke truncate, references, trigger on %s from %s', name, found_text);
  end if;
  return query
  select 'RH043', format('%s would reach %s, which is not in its home', s.role, name), format('revoke all on %s from %s', name, s.role)
  from rowhouse.strangers(target) s (role);
  -- With contypid, the whole key of an index: each home has a constraint of this name.
  select pg_get_constraintdef(k.oid) into found_text
  from pg_constraint k where k.conrelid = target and k.contypid = 0 and k.conname = 'rowhouse_lives_here' and k.convalidated;
  if found_text is distinct from rowhouse.home_check_text(target) then
    return query select 'RH041', format('%s would hold rows of other organizations than the one whose home it is', name), protect_again;
  end if;
  -- Where nobody could make rowhouse_owner the owner, protect() has left the one it found.
  if relation.owner <> 'rowhouse_owner'::regrole and pg_has_role(session_user, 'rowhouse_owner', 'USAGE') then
    return query select 'RH044', format('%s would belong to %s', name, pg_get_userbyid(relation.owner)),
      format('alter table %s owner to rowhouse_owner', name);
  end if;
end
$$;

-- The logins of other homes that have a privilege on a relation of this one.
create function rowhouse.strangers(target oid) returns setof text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select distinct pg_get_userbyid(a.grantee)::text
  from pg_class c
  cross join lateral (
    select x.grantee from aclexplode(c.relacl) x
    union all
    select x.grantee from pg_attribute t cross join lateral aclexplode(t.attacl) x where t.attrelid = c.oid
  ) a
  where c.oid = target and a.grantee <> 0 and pg_get_userbyid(a.grantee) ~ '^rowhouse_h_[0-9a-f]{16}$'
    and pg_get_userbyid(a.grantee) is distinct from rowhouse.home_login(c.relnamespace)
$$;

-- Whether a protected table has all that protect gave it, and this transaction wrote none of it: then no command of it has
-- loosened the table. A row that is as young as the transaction may say anything, so weaknesses() reads what it says, which
-- takes ten times as long: most commands add a column, and write nothing of what is looked at here. What was wrong before the
-- transaction is for findings(). Privileges are not looked at: GRANT alone changes them. A table that is moved to another
-- schema has its constraints written anew.
create function rowhouse.keeps_protection(target oid) returns boolean
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- The session counts the rows that it writes. Where it wrote columns and none of policies, triggers, constraints and indexes, and
  -- took no default away, only the table's own row and that of organization_id are left to look at: a sixth of the time, which was
  -- more than an added column takes. What transactions shortly before wrote may be counted too, which asks for the long look. It does
  -- count: columns say so, and whoever may switch it off is asked at each command.
  if pg_stat_get_xact_tuples_inserted('pg_attribute'::regclass) > 0 and current_setting('track_counts') = 'on'
    and 0 = pg_stat_get_xact_tuples_inserted('pg_policy'::regclass) + pg_stat_get_xact_tuples_updated('pg_policy'::regclass)
      + pg_stat_get_xact_tuples_deleted('pg_policy'::regclass)
      + pg_stat_get_xact_tuples_inserted('pg_trigger'::regclass) + pg_stat_get_xact_tuples_updated('pg_trigger'::regclass)
      + pg_stat_get_xact_tuples_deleted('pg_trigger'::regclass)
      + pg_stat_get_xact_tuples_inserted('pg_constraint'::regclass) + pg_stat_get_xact_tuples_updated('pg_constraint'::regclass)
      + pg_stat_get_xact_tuples_deleted('pg_constraint'::regclass)
      + pg_stat_get_xact_tuples_inserted('pg_index'::regclass) + pg_stat_get_xact_tuples_updated('pg_index'::regclass)
      + pg_stat_get_xact_tuples_deleted('pg_index'::regclass)
      + pg_stat_get_xact_tuples_updated('pg_attrdef'::regclass) + pg_stat_get_xact_tuples_deleted('pg_attrdef'::regclass)
  then
    return (
      select c.relkind = 'r' and not c.relispartition
        and c.relrowsecurity and c.relforcerowsecurity and c.relowner = 'rowhouse_owner'::regrole
        and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'rowhouse_organization')
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id' and age(a.xmin) > 0)
      from pg_class c where c.oid = target
    );
  end if;
  return (
    select c.relkind = 'r' and not c.relispartition
      and c.relrowsecurity and c.relforcerowsecurity and c.relowner = 'rowhouse_owner'::regrole
      and (
        select bool_or(p.polname = 'rowhouse_organization') and bool_and(age(p.xmin) > 0) from pg_policy p where p.polrelid = c.oid
      )
      and exists (
        select from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attname = 'organization_id' and age(a.xmin) > 0 and age(d.xmin) > 0
      )
      and (
        select bool_or(k.contype = 'p')
          and bool_and(age(k.xmin) > 0 or k.contype = 'n' or (k.contype = 'c' and k.conname <> 'rowhouse_lives_here'))
          and (bool_or(k.conname = 'rowhouse_lives_here') or not exists (
            select from pg_namespace n join rowhouse.tenant_schemas s on s.name = n.nspname
            where n.oid = c.relnamespace and s.organization_id is not null))
        from pg_constraint k where k.conrelid = c.oid
      )
      and not exists (select from pg_index i where i.indrelid = c.oid and age(i.xmin) <= 0)
      and (
        select bool_and(age(t.xmin) > 0) and 7 = count(*) filter (where t.tgname in ('rowhouse_log_truncate',
          '!rowhouse_change_log_insert', '!rowhouse_change_log_update', '!rowhouse_change_log_delete',
          '!rowhouse_change_log_inserts', '!rowhouse_change_log_updates', '!rowhouse_change_log_deletes'))
        from pg_trigger t where t.tgrelid = c.oid
      )
    from pg_class c where c.oid = target
  );
end
$$;

-- Relations that a command may have changed. GRANT names none: 0016_guard_grants.sql.
create function rowhouse.touched_relations(tag text) returns setof oid
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  -- Without it the planner expects a thousand, and reads all of pg_class at each command.
  rows 2
as $$
begin
  return query
  select distinct coalesce(i.indrelid, p.polrelid, t.tgrelid, k.conrelid, c.objid)
  from pg_event_trigger_ddl_commands() c
  left join pg_index i on c.classid = 'pg_class'::regclass and i.indexrelid = c.objid
  left join pg_policy p on c.classid = 'pg_policy'::regclass and p.oid = c.objid
  left join pg_trigger t on c.classid = 'pg_trigger'::regclass and t.oid = c.objid
  left join pg_constraint k on c.classid = 'pg_constraint'::regclass and k.oid = c.objid
  where not c.in_extension
    and c.classid in ('pg_class'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_constraint'::regclass);
  -- What it names on views and columns is a TABLE to Postgres as well.
  if tag in ('GRANT', 'CREATE SCHEMA') and exists (
    select from pg_event_trigger_ddl_commands() c where c.command_tag = 'GRANT' and c.object_type = 'TABLE' and not c.in_extension)
  then
    return query select * from rowhouse.granted_relations();
  end if;
end
$$;

-- Definer, so that it works for whoever runs DDL in this database. What is to be closed must be closed by the owner of the
-- relation: close_new_relations(), which fires next, finds the list in a setting.
create function rowhouse.guard_ddl() returns event_trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  relation record;
  weakness record;
  policy text;
  to_close text[] := '{}';
  is_grant boolean := tg_tag = 'GRANT';
  altered oid;
  -- The number of the column that the command gave another name.
  renamed int;
begin
  -- Its reader leaves it empty: somebody else has set it.
  if coalesce(current_setting('rowhouse.to_close', true), '') <> '' then
    perform set_config('rowhouse.to_close', '', true);
  end if;
  if coalesce(current_setting('rowhouse.protecting', true), '') <> '' and rowhouse.is_past_guard() then
    return;
  end if;
  -- Most commands change one protected table and nothing that protect gave it. Asked at once, because the questions below take
  -- longer to set up than to answer.
  if tg_tag = 'ALTER TABLE' then
    select case when count(*) = 1 and min(c.classid::bigint) = 'pg_class'::regclass::bigint then min(c.objid) end, max(c.objsubid)
    into altered, renamed
    from pg_event_trigger_ddl_commands() c;
    if altered is not null and rowhouse.keeps_protection(altered) then
      if renamed > 0 or rowhouse.log_may_be_behind(altered) then
        perform rowhouse.bring_log_up(altered, renamed);
      end if;
      return;
    end if;
  elsif tg_tag = 'ALTER SCHEMA' then
    perform rowhouse.bring_log_up(c.oid, 0)
    from pg_event_trigger_ddl_commands() d
    cross join lateral rowhouse.relations_of(d.objid) r
    join pg_class c on c.oid = r.relation
    where d.classid = 'pg_namespace'::regclass and c.relkind in ('r', 'p') and not c.relispartition and rowhouse.log_may_be_behind(c.oid);
    return;
  end if;
  if tg_tag in ('CREATE POLICY', 'ALTER POLICY') then
    select p.polname into policy
    from pg_event_trigger_ddl_commands() c join pg_policy p on c.classid = 'pg_policy'::regclass and p.oid = c.objid
    where p.polname like 'rowhouse\_%';
    if found then
      raise exception 'The policy % is made by protect and changed by it only.', policy
        using errcode = 'RH040', hint = 'Call rowhouse.protect() with other options, or give your policy another name.';
    end if;
  end if;

  for relation in
    select c.oid, c.oid::regclass as name, c.relkind, c.relispartition, c.relrowsecurity and c.relforcerowsecurity as forced, c.relnamespace,
      -- Created or moved here by this transaction: the dependency on its schema is as young.
      exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
        and d.refclassid = 'pg_namespace'::regclass and age(d.xmin) <= 0) as is_new
    from rowhouse.touched_relations(tg_tag) r join pg_class c on c.oid = r
    where c.relpersistence <> 't' and c.relkind in ('r', 'p', 'f', 'm', 'v')
      and c.relnamespace not in ('rowhouse'::regnamespace, 'rowhouse_home'::regnamespace, 'pg_catalog'::regnamespace)
      and (is_grant or c.relispartition or not rowhouse.keeps_protection(c.oid)
        or (tg_tag = 'ALTER TABLE' and rowhouse.log_may_be_behind(c.oid)))
  loop
    if relation.relispartition then
      if rowhouse.is_protected(pg_partition_root(relation.oid)::oid) and not (relation.forced and rowhouse.tenant_reach(relation.oid) is null) then
        if is_grant then
          raise exception 'A partition of % would be reached directly.', pg_partition_root(relation.oid)
            using errcode = 'RH043', hint = format('Grant on %s.', pg_partition_root(relation.oid));
        end if;
        to_close := to_close || relation.oid::text;
      end if;
    -- A policy with another name leaves a table that has a change log only.
    elsif rowhouse.is_protected(relation.oid) or (tg_tag = 'ALTER POLICY' and exists (
      select from pg_trigger t where t.tgrelid = relation.oid and t.tgfoid = 'rowhouse.log_change()'::regprocedure))
    then
      select w.sqlstate_code, w.message, w.fix into weakness from rowhouse.weaknesses(relation.oid) w limit 1;
      if found then
        raise exception '%: refused.', weakness.message using errcode = weakness.sqlstate_code,
          hint = format('On purpose: select rowhouse.unprotect(%L, ''why''). To mend it: %s', relation.name, weakness.fix);
      end if;
      if tg_tag = 'ALTER TABLE' and rowhouse.is_protected(relation.oid) then
        perform rowhouse.bring_log_up(relation.oid, renamed);
      end if;
    elsif is_grant and exists (select from rowhouse.strangers(relation.oid)) then
      raise exception '% would reach %, which is not in its home.',
        (select string_agg(s, ', ') from rowhouse.strangers(relation.oid) s), relation.name
        using errcode = 'RH043', hint = 'A login of a home has privileges in its home only.';
    elsif rowhouse.is_tenant_schema(relation.relnamespace) and rowhouse.is_open(relation.oid) then
      if relation.is_new and not is_grant then
        to_close := to_close || relation.oid::text;
      elsif relation.relkind in ('v', 'm') and (is_grant or tg_tag ~ 'VIEW') then
        raise exception '% would show tenants what its owner sees.', relation.name
          using errcode = 'RH045',
          hint = case relation.relkind when 'v' then format('alter view %s set (security_invoker = true)', relation.name)
            else 'Grant it to no tenant; a materialized view knows no row security.' end;
      elsif is_grant then
        raise exception 'Tenants would reach %, which nothing keeps apart.', relation.name
          using errcode = 'RH043',
          hint = format('select rowhouse.protect(%L) first; or, when every organization may read it, rowhouse.share(%L, ''why'').',
            relation.name, relation.name);
      end if;
    end if;
  end loop;
  if to_close <> '{}' then
    perform set_config('rowhouse.to_close', array_to_string(to_close, ' '), true);
  end if;
end
$$;

-- Runs as whoever ran the command and so owns the relation; hence no name of the schema rowhouse in it, where that role may
-- have no rights. Default privileges are what it takes back.
create function rowhouse.close_new_relations() returns event_trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  list text := current_setting('rowhouse.to_close', true);
  relation record;
begin
  if coalesce(list, '') = '' then
    return;
  end if;
  perform set_config('rowhouse.to_close', '', true);
  for relation in
    select c.oid::regclass as name, c.relispartition, c.relkind from pg_class c where c.oid = any (string_to_array(list, ' ')::oid[])
  loop
    execute format('revoke all on table %s from public, rowhouse_app, anon, authenticated', relation.name);
    if relation.relispartition and relation.relkind in ('r', 'p') then
      execute format('alter table %s enable row level security, force row level security', relation.name);
      raise notice 'The partition % is reached through its parent only.', relation.name;
    elsif relation.relkind = 'v' then
      raise notice 'No tenant reaches the view %: create it with (security_invoker = true), and grant it.', relation.name;
    else
      raise notice 'No tenant reaches %: protect it with rowhouse.protect(), or share it with rowhouse.share().', relation.name;
    end if;
  end loop;
end
$$;

create function rowhouse.guard_drop() returns event_trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  dropped record;
  target regclass;
begin
  if rowhouse.is_past_guard() then
    return;
  end if;
  for dropped in
    select d.object_type, d.address_names[3] as name, format('%I.%I', d.address_names[1], d.address_names[2]) as relation
    from pg_event_trigger_dropped_objects() d
    where (d.object_type = 'policy' and d.address_names[3] in ('rowhouse_organization', 'rowhouse_shared'))
      or (d.object_type = 'trigger'
        and (d.address_names[3] in ('rowhouse_log_truncate', '~rowhouse_stamp') or d.address_names[3] like '!rowhouse\_change\_log\_%'))
  loop
    -- Null where the table goes as well.
    target := to_regclass(dropped.relation);
    continue when target is null
      or (dropped.object_type = 'trigger' and exists (select from pg_class c where c.oid = target and c.relispartition));
    raise exception 'The % % of % would be dropped: refused.', dropped.object_type, dropped.name, target
      using errcode = case dropped.object_type when 'policy' then 'RH040' else 'RH042' end,
      hint = format('On purpose: select rowhouse.unprotect(%L, ''why'').', target);
  end loop;
end
$$;

-- Makes the event triggers, where the caller may. The names give their order.
create function rowhouse.install_guard() returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Without this one a GRANT takes longer to look at, and is looked at all the same.
  if not exists (select from pg_event_trigger e where e.evtname = 'rowhouse_guard_0_grant') then
    create event trigger rowhouse_guard_0_grant on ddl_command_start when tag in ('GRANT') execute function rowhouse.note_grant();
  end if;
  if not exists (select from pg_event_trigger e where e.evtname = 'rowhouse_guard_1_ddl') then
    create event trigger rowhouse_guard_1_ddl on ddl_command_end
      when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
        'IMPORT FOREIGN SCHEMA', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE SCHEMA',
        'ALTER SCHEMA', 'CREATE INDEX', 'CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER', 'ALTER TRIGGER', 'GRANT')
      execute function rowhouse.guard_ddl();
  end if;
  if not exists (select from pg_event_trigger e where e.evtname = 'rowhouse_guard_2_close') then
    create event trigger rowhouse_guard_2_close on ddl_command_end
      when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
        'IMPORT FOREIGN SCHEMA', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE SCHEMA')
      execute function rowhouse.close_new_relations();
  end if;
  if not exists (select from pg_event_trigger e where e.evtname = 'rowhouse_guard_3_drop') then
    create event trigger rowhouse_guard_3_drop on sql_drop execute function rowhouse.guard_drop();
  end if;
  return true;
exception when insufficient_privilege then
  return false;
end
$$;

-- What the guard would have refused and the rules of `rowhouse verify` do not look for: rowhouse.findings() adds it.
-- What is asked of homes comes with 0810_homes.sql.
set local check_function_bodies = off;
create function rowhouse.guard_findings()
  returns table (code text, severity text, object text, message text, fix text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with protected as (
    select t.target, t.owner, c.relnamespace = to_regnamespace('rowhouse_home') as is_ours
    from rowhouse.tenant_tables() t join pg_class c on c.oid = t.target
    where rowhouse.is_protected(t.target)
  )
  select 'guard_missing', 'warning', current_database()::text,
    format('The event trigger %s is not there or does not fire: nothing refuses to loosen a protected table.', w.name),
    'Run rowhouse install as a superuser, or as postgres on Supabase.'
  from unnest('{rowhouse_guard_1_ddl,rowhouse_guard_2_close,rowhouse_guard_3_drop}'::text[]) w (name)
  where not exists (select from pg_event_trigger e where e.evtname = w.name and e.evtenabled in ('O', 'A'))

  union all
  select 'organization_column_differs', 'error', t.target::text, format('%s.', replace(w.message, 'would not be', 'is not')), w.fix
  from protected t, lateral rowhouse.weaknesses(t.target) w where w.message like 'organization\_id of %'

  union all
  select 'primary_key_missing', 'error', t.target::text, format('%s has no primary key.', t.target),
    format('alter table %s add primary key (organization_id, id)', t.target)
  from protected t where not exists (select from pg_constraint k where k.conrelid = t.target and k.contype = 'p')

  union all
  select 'timestamps_not_kept', 'error', t.target::text, format('created_by of %s can be forged: its trigger does not fire.', t.target),
    format('select rowhouse.protect(%L, ''{"timestamps": true}'')', t.target)
  from protected t
  where exists (select from pg_trigger g where g.tgrelid = t.target and g.tgname = '~rowhouse_stamp' and g.tgenabled not in ('O', 'A'))
    or (not rowhouse.has_timestamps(t.target) and exists (
      select from pg_policy p where p.polrelid = t.target and p.polname like 'rowhouse\_%'
        and pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid) ~ 'created_by'))

  union all
  select 'owner_differs', 'warning', t.target::text, format('%s belongs to %s, which may log in and alter it.', t.target, r.rolname),
    format('alter table %s owner to rowhouse_owner', t.target)
  from protected t join pg_roles r on r.oid = t.owner and r.rolcanlogin

  union all
  select 'policy_by_hand', 'warning', t.target::text,
    format('The permissive policy %I of %s lets in more inside an organization than protect was told.', p.polname, t.target),
    format('drop policy %I on %s', p.polname, t.target)
  from pg_policy p join protected t on t.target = p.polrelid
  where p.polpermissive and p.polname not like 'rowhouse\_%' and not t.is_ours

  union all
  select 'table_open', 'error', c.oid::regclass::text,
    format('%s reaches %s, which is neither protected nor shared.', rowhouse.tenant_reach(c.oid), c.oid::regclass),
    format('revoke all on %s from public, rowhouse_app, anon, authenticated', c.oid::regclass)
  from pg_class c
  where c.relkind in ('r', 'p') and not c.relispartition and rowhouse.is_tenant_schema(c.relnamespace) and rowhouse.is_open(c.oid)
    and not exists (select from rowhouse.tenant_tables() t where t.target = c.oid)

  union all
  select 'partition_open', 'error', c.oid::regclass::text,
    format('The partition %s of %s may be reached directly.', c.oid::regclass, t.target), format('select rowhouse.protect(%L)', t.target)
  from protected t, lateral pg_partition_tree(t.target) k join pg_class c on c.oid = k.relid
  where k.relid <> t.target and c.relkind in ('r', 'p')
    and not (c.relrowsecurity and c.relforcerowsecurity and rowhouse.tenant_reach(c.oid) is null)

  union all
  select 'column_privilege', 'error', t.target::text, format('%s.', replace(w.message, 'would have TRUNCATE, REFERENCES or TRIGGER on', 'has REFERENCES on columns of')), w.fix
  from protected t, lateral rowhouse.weaknesses(t.target) w
  where w.sqlstate_code = 'RH043' and not exists (
    select from unnest(rowhouse.tenant_roles()) r (role) where has_table_privilege(r.role, t.target, 'truncate, references, trigger'))
    and w.message not like '%, which is not in its home'

  union all
  select 'default_privileges_open', 'warning', d.namespace,
    format('A table that %s creates in %I is handed to %s.', d.creator, d.namespace, d.grantee),
    format('alter default privileges for role %I in schema %I revoke all on tables from %s', d.creator, d.namespace,
      case d.grantee when 'public' then 'public' else quote_ident(d.grantee) end)
  from rowhouse.open_defaults() d

  union all
  select h.code, 'error', h.object, h.message, h.fix
  from rowhouse.tenant_schemas s cross join lateral rowhouse.home_problems(s.name) h
  where s.login is not null
$$;
set local check_function_bodies = on;

grant execute on function rowhouse.strangers(oid), rowhouse.home_check_text(regclass), rowhouse.weaknesses(oid), rowhouse.has_timestamps(regclass), rowhouse.guard_findings() to rowhouse_control;
