-- Reading across organizations, by design. A report is a statement that the owner of the database has approved. It is run
-- by entering each organization in turn, as the actor `report`, read-only, with a reason that its audit log keeps; what
-- the organizations answered is combined by a second statement that sees the answers and no table of a tenant. There is
-- no other way across: policies hold a report as they hold everybody.

create table rowhouse.reports (
  name text primary key constraint report_name_is_a_slug check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  description text not null,
  -- One SELECT, run inside an organization; $1 is the arguments, jsonb.
  statement text not null,
  -- The columns it returns, as `name type, …`.
  columns text not null,
  -- One SELECT over `results (organization_id uuid, …the columns)`; null returns them as they are.
  combine text,
  -- Most rows of one organization.
  rows_max int not null constraint rows_max_is_bounded check (rows_max between 1 and 100000),
  defined_by text not null,
  defined_at timestamptz not null default now(),
  approved_by text,
  approved_at timestamptz,
  approval_reason text,
  -- Grows with every change of any report: a run says which it is of, and a copy that is another refuses it.
  revision bigint not null,
  -- Whether it is a copy of the catalogue's, in a database that only has homes.
  is_copy boolean not null default false,
  constraint an_approval_says_who_when_and_why check (num_nulls(approved_by, approved_at, approval_reason) in (0, 3))
);

-- A row and not a sequence: who sees the number sees the change that it counts.
create table rowhouse.reports_revision (
  is_the_only_row boolean primary key default true constraint there_is_one_row check (is_the_only_row),
  revision bigint not null
);
insert into rowhouse.reports_revision (revision) values (0);

-- Reports are defined and approved in the catalogue; rowhouse.apply_reports() brings them elsewhere.
create function rowhouse.count_report_revision() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  is_applied boolean := current_setting('rowhouse.applying_reports', true) is not distinct from 'on';
  is_copied boolean;
begin
  if tg_op = 'INSERT' then
    is_copied := new.is_copy or exists (select from rowhouse.reports r where r.is_copy);
  else
    is_copied := old.is_copy;
  end if;
  if is_copied and not is_applied then
    raise exception 'The reports of this database are copies.'
      using errcode = 'RH084', hint = 'Define and approve them in the catalogue; the copies follow.';
  elsif is_copied then
    return coalesce(new, old);
  end if;
  update rowhouse.reports_revision v set revision = v.revision + 1;
  if tg_op = 'DELETE' then
    return old;
  end if;
  select v.revision into new.revision from rowhouse.reports_revision v;
  return new;
end
$$;
create trigger count_report_revision before insert or update or delete on rowhouse.reports
  for each row execute function rowhouse.count_report_revision();

-- What the statement and its combination are run as: the text between is one query, or Postgres refuses it.
create function rowhouse.report_query(statement text, rows_max int) returns text
  language sql immutable
  return format(E'select pg_catalog.to_jsonb(r) from (%s\n) r limit %s', statement, rows_max);

create function rowhouse.combination_query(combine text, columns text) returns text
  language sql immutable
  return format(
    E'with results as (select * from pg_catalog.jsonb_to_recordset($2) as r (organization_id uuid, %s))'
      ' select pg_catalog.to_jsonb(c) from (%s\n) c',
    columns, coalesce(combine, 'select * from results'));

-- Has Postgres parse both statements and compare the columns, by making functions of them and dropping these again. With
-- the search_path of its caller, which resolves the names of the tables as every organization's does.
create function rowhouse.check_report(statement text, columns text, combine text) returns void
  language plpgsql
as $$
begin
  begin
    execute pg_catalog.format(
      E'create function pg_temp.rowhouse_report_check(jsonb) returns table (%s) language sql stable as %L',
      columns, 'select * from (' || statement || E'\n) r');
    drop function pg_temp.rowhouse_report_check(jsonb);
    execute pg_catalog.format(
      'create function pg_temp.rowhouse_report_check(jsonb, jsonb) returns setof jsonb language sql stable as %L',
      rowhouse.combination_query(combine, columns));
    drop function pg_temp.rowhouse_report_check(jsonb, jsonb);
  exception when others then
    raise exception 'The report cannot run: %', sqlerrm
      using errcode = 'RH081',
      hint = 'The statement is one SELECT that returns the columns named, and combine one SELECT over results.';
  end;
end
$$;

-- Defines a report, or defines it anew: then it must be approved again.
create function rowhouse.define_report(
  name text, statement text, columns text, combine text default null, description text default '', rows_max int default 10000
)
  returns void
  language plpgsql
as $$
begin
  perform rowhouse.check_report(statement, columns, combine);
  insert into rowhouse.reports as r (name, description, statement, columns, combine, rows_max, defined_by)
  values (
    define_report.name, define_report.description, define_report.statement, define_report.columns,
    define_report.combine, define_report.rows_max, session_user
  )
  on conflict on constraint reports_pkey do update set
    description = excluded.description, statement = excluded.statement, columns = excluded.columns,
    combine = excluded.combine, rows_max = excluded.rows_max, defined_by = excluded.defined_by, defined_at = pg_catalog.now(),
    approved_by = null, approved_at = null, approval_reason = null
  where (r.description, r.statement, r.columns, r.combine, r.rows_max)
    is distinct from (excluded.description, excluded.statement, excluded.columns, excluded.combine, excluded.rows_max);
end
$$;

-- Who may change the catalogue's definitions may approve one; the reason and the login are kept.
create function rowhouse.approve_report(name text, reason text) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if (reason ~ '\S') is not true then
    raise exception 'An approval needs a reason.' using errcode = 'RH081', hint = 'Say who asked for the report, and why.';
  end if;
  update rowhouse.reports r
  set approved_by = session_user, approved_at = now(), approval_reason = reason
  where r.name = approve_report.name;
  if not found then
    raise exception 'There is no report named %.', name using errcode = 'RH080', hint = 'Define it first: rowhouse.define_report().';
  end if;
end
$$;

-- Takes the approval back: a run that has begun ends with the next organization.
create function rowhouse.revoke_report(name text) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  update rowhouse.reports r
  set approved_by = null, approved_at = null, approval_reason = null
  where r.name = revoke_report.name;
  if not found then
    raise exception 'There is no report named %.', name using errcode = 'RH080';
  end if;
end
$$;

-- The report that this transaction's seal names, while it is approved. Asked at every entry and again by every function here.
create function rowhouse.approved_report(name text) returns rowhouse.reports
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  report rowhouse.reports;
begin
  select * into report from rowhouse.reports r where r.name = approved_report.name and r.approved_at is not null;
  if not found then
    raise exception 'No approved report is named %.', name
      using errcode = 'RH080', hint = 'The owner of the database defines and approves it: rowhouse report approve.';
  end if;
  return report;
end
$$;

create function rowhouse.sealed_report(needs_organization boolean) returns rowhouse.reports
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  seal jsonb := rowhouse.seal_payload();
begin
  if (seal ->> 'kind' = 'report' and (seal ->> 'org' is not null) = needs_organization) is not true then
    raise exception 'This transaction is not sealed for a report.'
      using errcode = 'RH012', hint = 'Run it with rowhouse.report(name, { reason }).';
  end if;
  return rowhouse.approved_report(seal ->> 'service');
end
$$;

-- Whom a run must enter: for a transaction that is sealed as a report, without an organization. `is_elsewhere`: in another
-- database, which has a copy of the report.
create function rowhouse.report_organizations() returns table (organization_id uuid, status text, cluster text, is_elsewhere boolean)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.sealed_report(needs_organization => false);
  return query
    select o.id, o.status, coalesce(p.cluster, 'main'), p.database_name is not null
    from rowhouse.organizations o left join rowhouse.placements p on p.organization_id = o.id
    order by o.id;
end
$$;

-- Of the report as it is approved now. A run asks before each organization that lives in another database: what was revoked
-- here is refused there as well, whether or not that database has heard of it.
create function rowhouse.report_revision() returns bigint
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (rowhouse.sealed_report(needs_organization => false)).revision;
end
$$;

-- A line in the organization's log that says what was read and why: the actor is the seal's. Only functions of the owner
-- may write one.
create function rowhouse.log_read(table_schema text, table_name text, record_id text, details jsonb) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  seal jsonb := rowhouse.seal_payload();
begin
  insert into rowhouse.change_log (
    organization_id, table_schema, table_name, record_id, record_hash, action, new, actor_kind, actor_id, origin, reason,
    request_id, ip
  ) values (
    (seal ->> 'org')::uuid, log_read.table_schema, log_read.table_name, log_read.record_id,
    rowhouse.record_hash(log_read.record_id), 'read', details,
    seal ->> 'kind', coalesce(seal ->> 'user', seal ->> 'service', seal ->> 'connection'), seal ->> 'origin',
    seal ->> 'reason', seal ->> 'request', seal ->> 'ip'
  );
end
$$;

-- Notes the read in the organization's log and hands out the statement. Where the report is a copy, the run names the
-- revision that the catalogue has: an older text, and an approval that was taken back, run nowhere.
create function rowhouse.begin_report(arguments jsonb, revision bigint default null) returns rowhouse.reports
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  report rowhouse.reports := rowhouse.sealed_report(needs_organization => true);
begin
  if coalesce(begin_report.revision <> report.revision, report.is_copy) then
    raise exception 'The report % has the revision % here, and the run is of %.', report.name, report.revision,
      coalesce(begin_report.revision::text, 'none')
      using errcode = 'RH068', hint = 'The worker carries reports to every database; try again in a moment.';
  end if;
  perform rowhouse.log_read('rowhouse', 'reports', report.name, jsonb_build_object('arguments', arguments));
  return report;
end
$$;

-- Runs the report that the seal names in the organization that the seal names, as the caller: row security holds. After
-- the line in the log nothing can write. One row more than rows_max is the sign of too many.
create function rowhouse.run_report(arguments jsonb, revision bigint default null) returns setof jsonb
  language plpgsql volatile
as $$
declare
  report rowhouse.reports;
  row_count bigint;
begin
  report := rowhouse.begin_report(arguments, revision);
  perform pg_catalog.set_config('transaction_read_only', 'on', true);
  return query execute rowhouse.report_query(report.statement, report.rows_max operator(pg_catalog.+) 1) using arguments;
  get diagnostics row_count = row_count;
  if row_count operator(pg_catalog.>) report.rows_max then
    raise exception 'The report % returns more than % rows for one organization.', report.name, report.rows_max
      using errcode = 'RH082', hint = 'Aggregate in its statement, or define it with a larger rows_max.';
  end if;
end
$$;

-- What the organizations answered, combined. Sealed without an organization it sees no row of any.
create function rowhouse.combine_report(arguments jsonb, results jsonb) returns setof jsonb
  language plpgsql volatile
as $$
declare
  report rowhouse.reports;
begin
  report := rowhouse.sealed_report(needs_organization => false);
  perform pg_catalog.set_config('transaction_read_only', 'on', true);
  return query execute rowhouse.combination_query(report.combine, report.columns) using arguments, results;
end
$$;

-- Every report as another database must know it, and the revision of all of them.
create function rowhouse.reports_copy() returns jsonb
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'revision', (select v.revision from rowhouse.reports_revision v),
    'reports', coalesce((select jsonb_agg(to_jsonb(r) order by r.name) from rowhouse.reports r), '[]')
  );
end
$$;

-- Makes the reports of this database equal to a copy. Of rowhouse_migrator, who alone may write reports anywhere: a control
-- plane that could would approve what it likes.
create function rowhouse.apply_reports(copy jsonb) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rowhouse.reports r where not r.is_copy) then
    raise exception 'This database has reports of its own.'
      using errcode = 'RH084', hint = 'A copy is for a database outside the catalogue.';
  end if;
  perform pg_advisory_xact_lock(rowhouse.turn_key('reports'));
  if (copy ->> 'revision')::bigint < (select v.revision from rowhouse.reports_revision v) then
    raise exception 'The copy of the reports is older than what is here.' using errcode = 'RH084', hint = 'Make it anew in the catalogue.';
  end if;
  perform set_config('rowhouse.applying_reports', 'on', true);
  delete from rowhouse.reports;
  insert into rowhouse.reports
  select r.* from jsonb_populate_recordset(
    null::rowhouse.reports,
    (select coalesce(jsonb_agg(c || '{"is_copy": true}'), '[]') from jsonb_array_elements(copy -> 'reports') c)
  ) r;
  update rowhouse.reports_revision v set revision = (copy ->> 'revision')::bigint;
  perform set_config('rowhouse.applying_reports', '', true);
end
$$;

alter table rowhouse.reports enable row level security;
alter table rowhouse.reports_revision enable row level security;
create policy control_reads_it on rowhouse.reports for select to rowhouse_control using (true);
create policy control_reads_it on rowhouse.reports_revision for select to rowhouse_control using (true);
revoke all on rowhouse.reports, rowhouse.reports_revision from public;
grant select on rowhouse.reports, rowhouse.reports_revision to rowhouse_control;
revoke all on function
  rowhouse.report_query(text, int), rowhouse.combination_query(text, text), rowhouse.check_report(text, text, text),
  rowhouse.define_report(text, text, text, text, text, int), rowhouse.approve_report(text, text),
  rowhouse.revoke_report(text), rowhouse.approved_report(text), rowhouse.sealed_report(boolean),
  rowhouse.report_organizations(), rowhouse.report_revision(), rowhouse.log_read(text, text, text, jsonb),
  rowhouse.begin_report(jsonb, bigint), rowhouse.run_report(jsonb, bigint), rowhouse.combine_report(jsonb, jsonb),
  rowhouse.count_report_revision(), rowhouse.reports_copy(), rowhouse.apply_reports(jsonb)
  from public;
grant execute on function
  rowhouse.report_query(text, int), rowhouse.combination_query(text, text), rowhouse.sealed_report(boolean),
  rowhouse.report_organizations(), rowhouse.report_revision(), rowhouse.begin_report(jsonb, bigint),
  rowhouse.run_report(jsonb, bigint), rowhouse.combine_report(jsonb, jsonb)
  to rowhouse_app;
grant execute on function rowhouse.reports_copy() to rowhouse_control;
