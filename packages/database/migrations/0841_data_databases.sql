-- Databases besides the catalogue's in which organizations live, and what is kept there: months, seals and retention of
-- their change logs, and the definitions of reports. One row for each, so that any number of processes share the work, one
-- that is down is put off and named, and nobody asks ten thousand of them what there is to do.

create table rowhouse.data_databases (
  cluster text not null references rowhouse.clusters (id) on delete cascade,
  database_name name not null,
  -- Whoever takes it up puts this off, so that nobody else does meanwhile.
  due_at timestamptz not null default now(),
  attempts int not null default 0,
  -- When everything there was last done, and its lines last pruned.
  kept_at timestamptz,
  pruned_at timestamptz,
  -- The code of what the last attempt failed with, and since when it fails.
  error text,
  failing_since timestamptz,
  -- What its organizations were sealed up to, by its own transactions; those of `unsealed` are looked at besides.
  sealed_until text,
  unsealed uuid[] not null default '{}',
  -- The newest revision of reports that it has.
  reports_revision bigint not null default 0,
  primary key (cluster, database_name),
  constraint failure_has_a_beginning check ((error is null) = (failing_since is null))
);
create index data_databases_by_time on rowhouse.data_databases (due_at);

-- The rows follow the homes. Spares too: their months go on, and whoever moves in finds the reports there.
create function rowhouse.note_data_databases() returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rowhouse.data_databases (cluster, database_name)
  select distinct h.cluster, h.database_name from rowhouse.homes h
  where h.database_name is not null and h.state in ('spare', 'assigned')
    and not exists (select from rowhouse.data_databases d where d.cluster = h.cluster and d.database_name = h.database_name)
  on conflict do nothing;
  delete from rowhouse.data_databases d
  where not exists (
    select from rowhouse.homes h
    where h.cluster = d.cluster and h.database_name = d.database_name and h.state in ('spare', 'assigned')
  );
end
$$;

-- Takes up one that is due, for a worker, and puts it off by 10 minutes. None of a cluster in `busy`: a server that does not
-- answer holds up only so many of the worker's hands.
create function rowhouse.take_data_database(busy text[] default '{}')
  returns table (
    cluster text, host text, port int, tls text, tls_ca text, database_name name, sealed_until text, unsealed uuid[],
    prunes boolean, reports_revision bigint
  )
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with taken as (
      update rowhouse.data_databases d
      set due_at = now() + interval '10 minutes', attempts = d.attempts + 1
      where (d.cluster, d.database_name) = (
        select n.cluster, n.database_name
        from rowhouse.data_databases n
        where n.due_at <= now() and n.cluster <> all (take_data_database.busy)
        order by n.due_at limit 1 for update skip locked
      )
      returning d.*
    )
    select t.cluster, c.host, c.port, c.tls, c.tls_ca, t.database_name, t.sealed_until, t.unsealed,
      coalesce(t.pruned_at < now() - interval '1 day', true), t.reports_revision
    from taken t join rowhouse.clusters c on c.id = t.cluster;
end
$$;

-- What came of it. After a failure it is due in 1 s, then 2, 4 … 256; the others of a server that does not answer
-- (`server_is_down`) are put off with it, as far as they have nothing newer to say.
create function rowhouse.settle_data_database(
  cluster text, database_name name, failure text default null, server_is_down boolean default false,
  sealed_until text default null, unsealed uuid[] default null, pruned boolean default false, reports_revision bigint default null,
  again_in interval default '5 minutes'
) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  pause interval;
begin
  update rowhouse.data_databases d set
    error = failure,
    failing_since = case when failure is not null then coalesce(d.failing_since, now()) end,
    kept_at = case when failure is null then now() else d.kept_at end,
    attempts = case when failure is null then 0 else d.attempts end,
    sealed_until = coalesce(settle_data_database.sealed_until, d.sealed_until),
    unsealed = coalesce(settle_data_database.unsealed, d.unsealed),
    pruned_at = case when pruned then now() else d.pruned_at end,
    reports_revision = coalesce(settle_data_database.reports_revision, d.reports_revision),
    due_at = now() + case
      when failure is not null then 2 ^ least(greatest(d.attempts - 1, 0), 8) * interval '1 second'
      -- Something was defined meanwhile.
      when coalesce(settle_data_database.reports_revision, d.reports_revision) < rowhouse.newest_report_revision() then interval '0'
      else again_in
    end
  where d.cluster = settle_data_database.cluster and d.database_name = settle_data_database.database_name
  returning d.due_at - now() into pause;
  if server_is_down and found then
    update rowhouse.data_databases d set
      error = failure, failing_since = coalesce(d.failing_since, now()), due_at = now() + pause
    where d.cluster = settle_data_database.cluster and d.database_name <> settle_data_database.database_name and d.due_at <= now();
  end if;
end
$$;

create function rowhouse.newest_report_revision() returns bigint
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select v.revision from rowhouse.reports_revision v);
end
$$;

-- A definition, an approval, a revocation: every database is told at once.
create function rowhouse.remember_reports_due() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update rowhouse.data_databases d set due_at = now() where d.due_at > now();
  return null;
end
$$;
create trigger remember_reports_due after insert or update or delete on rowhouse.reports
  for each statement execute function rowhouse.remember_reports_due();

-- How long lines are kept is carried to the home with all else that its catalogue knows of the organization.
create trigger count_version_inserts after insert on rowhouse.log_retention
  referencing new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_updates after update on rowhouse.log_retention
  referencing old table as replaced new table as written for each statement execute function rowhouse.count_membership_version();
create trigger count_version_deletes after delete on rowhouse.log_retention
  referencing old table as replaced for each statement execute function rowhouse.count_membership_version();

create function rowhouse.count_retention_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.count_version(array(
    select o.id from rowhouse.organizations o
    join rowhouse.placements p on p.organization_id = o.id
    where o.plan = new.id and p.database_name is not null
  ));
  return null;
end
$$;
create trigger count_retention_version after update of log_retention_days on rowhouse.plans
  for each row when (old.log_retention_days is distinct from new.log_retention_days)
  execute function rowhouse.count_retention_version();

alter table rowhouse.data_databases enable row level security;
create policy control_reads_it on rowhouse.data_databases for select to rowhouse_control using (true);
revoke all on rowhouse.data_databases from public;
grant select on rowhouse.data_databases to rowhouse_control;
revoke all on function
  rowhouse.note_data_databases(), rowhouse.take_data_database(text[]),
  rowhouse.settle_data_database(text, name, text, boolean, text, uuid[], boolean, bigint, interval),
  rowhouse.newest_report_revision(), rowhouse.remember_reports_due(), rowhouse.count_retention_version()
  from public;
grant execute on function
  rowhouse.note_data_databases(), rowhouse.take_data_database(text[]),
  rowhouse.settle_data_database(text, name, text, boolean, text, uuid[], boolean, bigint, interval),
  rowhouse.newest_report_revision()
  to rowhouse_control;
