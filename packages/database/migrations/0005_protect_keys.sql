-- The first half of rowhouse.protect(): what may be protected, and invariant 1, organization_id in every key. Each
-- give_… function says what it did of what was missing. What is a part of an ALTER TABLE of the table it leaves to its caller, as
-- `part`: alter_at_once() makes one statement of the parts of all steps.

-- Each ALTER TABLE has Postgres read all of the table's catalogue anew, and asks the guard: of a new table they took as long as
-- all that protect() makes. In which order the parts are done is Postgres's own: drops, columns, keys, references.
create function rowhouse.alter_at_once(target regclass, parts text[]) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if array_to_string(parts, '') <> '' then
    execute format('alter table %s %s', target, array_to_string(parts, ', '));
  end if;
end
$$;

-- What can be protected: an ordinary or partitioned table, not temporary, not a partition, not Rowhouse's own.
create function rowhouse.check_protectable(target regclass) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  kind "char";
  persistence "char";
  is_partition boolean;
  namespace text;
  owner name;
begin
  select c.relkind, c.relpersistence, c.relispartition, n.nspname, pg_get_userbyid(c.relowner)
  into kind, persistence, is_partition, namespace, owner
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.oid = target;
  if kind is null then
    raise exception 'There is no such table.' using errcode = 'RH020';
  end if;
  if kind not in ('r', 'p') then
    raise exception '% is not a table.', target
      using errcode = 'RH020', hint = 'Name the table itself; a view is safe with security_invoker = true.';
  end if;
  if persistence = 't' then
    raise exception '% is a temporary table.', target using errcode = 'RH020', hint = 'Name a permanent table.';
  end if;
  if is_partition or exists (select from pg_inherits i where i.inhrelid = target) then
    raise exception '% is a part of another table.', target using errcode = 'RH020', hint = 'Protect its parent.';
  end if;
  if kind = 'r' and exists (select from pg_inherits i where i.inhparent = target) then
    raise exception '% has child tables, whose rows its policy and its keys would not hold.', target
      using errcode = 'RH020', hint = 'Use partitions, or tables of their own.';
  end if;
  if namespace in ('rowhouse', 'pg_catalog', 'information_schema') then
    raise exception '% belongs to the schema %, which is not for tenants.', target, namespace using errcode = 'RH020';
  end if;
  if not pg_has_role(owner, 'USAGE') then
    raise exception '% belongs to %, and % may not act as that role.', target, owner, current_user
      using errcode = 'RH036', hint = format('Run it as %s or as rowhouse_migrator, after: grant %I to rowhouse_migrator', owner, owner);
  end if;
end
$$;

-- Asked only where something must be converted: after a backfill the first live row may come after a hundred thousand
-- dead pages, and protect() holds the table meanwhile.
create function rowhouse.is_empty(target regclass) returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  empty boolean;
begin
  execute format('select not exists (select from %s)', target) into empty;
  return empty;
end
$$;

-- Whether validated constraints say already that every row has an organization that exists: then no row need be read.
create function rowhouse.rows_have_organization(target regclass) returns boolean
  language sql stable
  return exists (
    select
    from pg_catalog.pg_constraint c
    join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attname = 'organization_id' and a.attnotnull
    where c.conrelid = target and c.contype = 'f' and c.convalidated
      and c.confrelid = 'rowhouse.organizations'::regclass and c.conkey = array[a.attnum]
  );

-- Invariant 1: organization_id in the table, first in its primary key, and in every foreign key between protected
-- tables. What is simple is converted, on an empty table only; what is not is refused with the statement to run.
create function rowhouse.give_key(target regclass) returns table (part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  existing record;
  unknown boolean := false;
  -- Asked where it matters.
  empty boolean;
  key record;
  reference record;
  clause text;
  clauses text[] := '{}';
  remarks text[] := '{}';
  parts text[] := '{}';
  lines text[] := '{}';
begin
  select a.atttypid as type, a.attnotnull as mandatory, pg_get_expr(d.adbin, d.adrelid) as value into existing
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = target and a.attname = 'organization_id' and not a.attisdropped;
  if not found then
    empty := rowhouse.is_empty(target);
    if not empty then
      raise exception 'The table % holds rows, and nothing says whose they are.', target
        using errcode = 'RH021', hint = 'Add organization_id uuid, fill it, and call protect again.';
    end if;
    parts := parts || 'add column organization_id uuid not null default rowhouse.organization_id()'::text;
    lines := lines || 'added organization_id'::text;
  else
    if existing.type <> 'uuid'::regtype then
      raise exception 'organization_id of % is not a uuid.', target
        using errcode = 'RH024', hint = 'Change the type of the column to uuid.';
    end if;
    -- What is protected has let in no other rows.
    if not rowhouse.rows_have_organization(target) and not rowhouse.is_protected(target) then
      execute format('select exists (select from %s t where t.organization_id is null or not exists (
        select from rowhouse.organizations o where o.id = t.organization_id))', target) into unknown;
    end if;
    if unknown then
      raise exception 'The table % holds rows of no known organization.', target
        using errcode = 'RH021', hint = 'Fill organization_id with ids of rowhouse.organizations, and call protect again.';
    end if;
    if not existing.mandatory then
      parts := parts || 'alter column organization_id set not null'::text;
      lines := lines || 'organization_id is not null'::text;
    end if;
    if existing.value is distinct from 'rowhouse.organization_id()' then
      parts := parts || 'alter column organization_id set default rowhouse.organization_id()'::text;
      lines := lines || 'organization_id defaults to rowhouse.organization_id()'::text;
    end if;
  end if;

  select c.conname, c.oid, rowhouse.column_names(c.conrelid, c.conkey) as columns into key
  from pg_constraint c where c.conrelid = target and c.contype = 'p';
  if not found then
    raise exception 'The table % has no primary key.', target
      using errcode = 'RH024', hint = format('alter table %s add primary key (organization_id, id)', target);
  end if;
  if key.columns[1] <> 'organization_id' then
    if 'organization_id' = any (key.columns) or not coalesce(empty, rowhouse.is_empty(target)) then
      raise exception 'The primary key of % is (%).', target, array_to_string(key.columns, ', ')
        using errcode = 'RH024',
        hint = format('Make it (%s), and organization_id part of the foreign keys to it.',
          array_to_string(array_prepend('organization_id', array_remove(key.columns, 'organization_id')), ', '));
    end if;
    -- Foreign keys hang on the key; those of empty tables come along.
    for reference in
      select c.conname, c.conrelid::regclass as referring, rowhouse.composite_reference(c.oid) as clause
      from rowhouse.foreign_keys_of(target) k join pg_constraint c on c.oid = k where c.confrelid = target
    loop
      execute format('select exists (select from %s)', reference.referring) into unknown;
      if unknown or reference.clause is null then
        raise exception 'The foreign key % of % hangs on the primary key of %.', reference.conname, reference.referring, target
          using errcode = 'RH024',
          hint = format('alter table %s drop constraint %I, protect both tables, and add it with organization_id.',
            reference.referring, reference.conname);
      end if;
      execute format('alter table %s drop constraint %I', reference.referring, reference.conname);
      clauses := clauses || format('alter table %s add column if not exists organization_id uuid not null default rowhouse.organization_id(), %s',
        reference.referring, reference.clause);
      remarks := remarks || format('%s of %s has organization_id; protect that table too', reference.conname, reference.referring);
    end loop;
    parts := parts || format('drop constraint %I, add constraint %I primary key (%s)', key.conname, key.conname,
      rowhouse.column_list(array_prepend('organization_id', key.columns)));
    lines := lines || format('primary key is (%s)', array_to_string(array_prepend('organization_id', key.columns), ', '));
    if clauses <> '{}' then
      perform rowhouse.alter_at_once(target, parts);
      parts := '{}';
      foreach clause in array clauses loop
        execute clause;
      end loop;
      lines := lines || remarks;
    end if;
  end if;
  return query select unnest(parts), null union all select null, unnest(lines);
end
$$;

-- Foreign keys from a table and to it. pg_constraint has an index of who refers, none of what is referred to; pg_depend has
-- one, so what is read does not grow with the tables of others.
create function rowhouse.foreign_keys_of(target oid) returns setof oid
  language sql stable
  set search_path = pg_catalog, pg_temp
  rows 10
as $$
  select c.oid from pg_constraint c where c.conrelid = target and c.contype = 'f'
  union
  select c.oid
  from pg_depend d join pg_constraint c on c.oid = d.objid
  where d.refclassid = 'pg_class'::regclass and d.refobjid = target and d.classid = 'pg_constraint'::regclass
    and c.contype = 'f' and c.confrelid = target
$$;

create function rowhouse.column_names(target regclass, numbers smallint[]) returns text[]
  language sql stable
  return array(
    select a.attname::text
    from unnest(numbers) with ordinality as n (number, position)
    join pg_catalog.pg_attribute a on a.attrelid = target and a.attnum = n.number
    order by n.position
  );

create function rowhouse.column_list(names text[]) returns text
  language sql immutable
  return (select string_agg(quote_ident(n.name), ', ' order by n.position) from unnest(names) with ordinality as n (name, position));

create function rowhouse.is_protected(target regclass) returns boolean
  language sql stable
  return exists (
    select from pg_catalog.pg_policy p where p.polrelid = target and p.polname = 'rowhouse_organization' and not p.polpermissive
  );

-- Foreign keys from this table to protected ones (or itself), and unique keys.
create function rowhouse.give_references(target regclass) returns table (part text, done text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  reference record;
  key record;
  action text;
begin
  for key in
    select c.conname, rowhouse.column_names(c.conrelid, c.conkey) as columns
    from pg_constraint c where c.conrelid = target and c.contype = 'u'
  loop
    continue when key.columns[1] = 'organization_id';
    if 'organization_id' = any (key.columns) or not rowhouse.is_empty(target)
      or exists (select from rowhouse.foreign_keys_of(target) k join pg_constraint f on f.oid = k
        where f.confrelid = target and f.conindid = (
          select u.conindid from pg_constraint u where u.conrelid = target and u.conname = key.conname))
    then
      raise exception 'The unique constraint % of % does not begin with organization_id: it would tell one organization what another has.',
        key.conname, target using errcode = 'RH024',
        hint = format('Make it unique (%s).', array_to_string(array_prepend('organization_id', array_remove(key.columns, 'organization_id')), ', '));
    end if;
    part := format('drop constraint %I, add constraint %I unique (%s)', key.conname, key.conname,
      rowhouse.column_list(array_prepend('organization_id', key.columns)));
    done := format('%s is unique (%s)', key.conname, array_to_string(array_prepend('organization_id', key.columns), ', '));
    return next;
  end loop;

  for key in
    select i.indexrelid::regclass as index
    from pg_index i
    where i.indrelid = target and (i.indisunique or i.indisexclusion)
      and not exists (select from pg_constraint c where c.conrelid = i.indrelid and c.conindid = i.indexrelid and c.contype in ('p', 'u'))
      and (select a.attname from pg_attribute a where a.attrelid = target and a.attnum = i.indkey[0]) is distinct from 'organization_id'
  loop
    raise exception 'The unique index % of % does not begin with organization_id: it would tell one organization what another has.',
      key.index, target using errcode = 'RH024', hint = 'Put organization_id first in it.';
  end loop;

  for reference in
    select c.conname, c.confrelid::regclass as referenced, rowhouse.composite_reference(c.oid) as clause,
      rowhouse.column_names(c.conrelid, c.conkey) as columns,
      rowhouse.column_names(c.confrelid, c.confkey) as referenced_columns
    from pg_constraint c
    where c.conrelid = target and c.contype = 'f'
  loop
    continue when array_position(reference.columns, 'organization_id') = array_position(reference.referenced_columns, 'organization_id');
    continue when reference.referenced <> target and not rowhouse.is_protected(reference.referenced);
    if reference.clause is null or not rowhouse.is_empty(target) then
      raise exception 'The foreign key % of % lacks organization_id: a row could refer to a row of another organization.',
        reference.conname, target using errcode = 'RH024',
        hint = format('Make it foreign key (organization_id, %s) references %s (organization_id, %s).',
          array_to_string(reference.columns, ', '), reference.referenced, array_to_string(reference.referenced_columns, ', '));
    end if;
    part := format('drop constraint %I, %s', reference.conname, reference.clause);
    done := format('%s has organization_id', reference.conname);
    return next;
  end loop;
end
$$;

-- `add constraint …` that makes a foreign key of one column composite; null when it has more.
create function rowhouse.composite_reference(reference oid) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select format('add constraint %I foreign key (organization_id, %I) references %s (organization_id, %I)%s%s%s',
    c.conname, local.attname, c.confrelid::regclass, remote.attname,
    -- SET NULL of the whole key would null organization_id; SET NULL (column) does not.
    case c.confdeltype
      when 'c' then ' on delete cascade'
      when 'r' then ' on delete restrict'
      when 'n' then format(' on delete set null (%I)', local.attname)
      when 'd' then format(' on delete set default (%I)', local.attname)
    end,
    case c.confupdtype when 'c' then ' on update cascade' when 'r' then ' on update restrict' end,
    case when c.condeferrable then ' deferrable' || case when c.condeferred then ' initially deferred' else '' end end)
  from pg_constraint c
  join pg_attribute local on local.attrelid = c.conrelid and local.attnum = c.conkey[1]
  join pg_attribute remote on remote.attrelid = c.confrelid and remote.attnum = c.confkey[1]
  where c.oid = reference and c.contype = 'f' and cardinality(c.conkey) = 1
$$;

-- An index of (organization_id, column) for every foreign key between target and other protected tables: without it a
-- delete of one row reads the whole referring table. On a large table it is left to CREATE INDEX CONCURRENTLY.
create function rowhouse.give_reference_indexes(target regclass) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  reference record;
  large_bytes constant bigint := 64 * 1024 * 1024;
begin
  for reference in
    select distinct c.conrelid::regclass as referring, rowhouse.column_list(columns.names) as list
    from rowhouse.foreign_keys_of(target) k
    join pg_constraint c on c.oid = k
    cross join lateral (
      select array_prepend('organization_id', array_remove(rowhouse.column_names(c.conrelid, c.conkey), 'organization_id')) as names
    ) columns
    where c.conparentid = 0 and cardinality(columns.names) = cardinality(c.conkey) and cardinality(c.conkey) > 1
      and (c.conrelid = target or rowhouse.is_protected(c.conrelid))
      and (c.confrelid = target or rowhouse.is_protected(c.confrelid))
      and not exists (
        select from pg_index i
        where i.indrelid = c.conrelid and i.indpred is null and i.indisvalid
          and (select array_agg(n) from (select unnest((i.indkey::smallint[])[0:cardinality(c.conkey) - 1]) order by 1) k (n))
            = (select array_agg(n) from (select unnest(c.conkey) order by 1) k (n))
      )
  loop
    if pg_table_size(reference.referring) > large_bytes then
      raise notice 'A foreign key of % has no index: create index concurrently on % (%)',
        reference.referring, reference.referring, reference.list;
    else
      execute format('create index on %s (%s)', reference.referring, reference.list);
      return next format('%s has an index of (%s)', reference.referring, reference.list);
    end if;
  end loop;
end
$$;
