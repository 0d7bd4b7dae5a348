-- What `rowhouse adopt` knows of tables under way: the plan as it was made, how far it came, and how each step is undone.
-- The program drives it and keeps nothing else: killed anywhere, its next run reads here what is still to do.

create table rowhouse.adoptions (
  id bigint generated always as identity primary key,
  -- Qualified and quoted, a table before those that refer to it; and their oids, which a rename does not change.
  tables text[] not null constraint at_least_one_table check (cardinality(tables) > 0),
  table_ids oid[] not null,
  -- What it was asked for, so that a run that resumes with other words is told.
  options jsonb not null,
  state text not null default 'running'
    constraint state_is_known check (state in ('running', 'switching', 'done', 'undone')),
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  started_by text not null default session_user,
  constraint finished_when_it_ended check ((finished_at is null) = (state in ('running', 'switching')))
);

create table rowhouse.adoption_steps (
  adoption_id bigint not null references rowhouse.adoptions (id) on delete cascade,
  position int not null,
  table_name text not null,
  name text not null,
  -- How it runs, what it says, what undoes it: as packages/database/src/adopt/step.ts describes it.
  step jsonb not null,
  -- Backfill only: the pass and the block of the table that the next batch begins with.
  pass int not null default 1,
  block bigint not null default 0,
  rows_done bigint not null default 0,
  started_at timestamptz,
  finished_at timestamptz,
  undone_at timestamptz,
  primary key (adoption_id, position)
);

-- One table is in one adoption at a time, also for two programs that begin in the same moment: the caller holds
-- claim_adoption() of every table.
create function rowhouse.running_adoption(target oid) returns bigint
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select a.id from rowhouse.adoptions a
  where target = any (a.table_ids) and a.state in ('running', 'switching')
$$;

-- One program works on a table at a time. The lock belongs to the session: it goes with it, however it ends.
create function rowhouse.claim_adoption(targets oid[]) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  target oid;
begin
  foreach target in array targets loop
    if not pg_try_advisory_lock(rowhouse.turn_key('adopts ' || target)) then
      raise exception 'Another program is adopting %.', target::regclass
        using errcode = 'RH060', hint = 'Wait until it has ended; it can be resumed by anyone.';
    end if;
  end loop;
end
$$;

-- The functions that fill organization_id while an application still writes without it live here, one a table, and go
-- with the last step. A schema of its own, because they must belong to whoever may bypass row security: an expression
-- may read another table that is protected already.
create schema rowhouse_adopt;
revoke all on schema rowhouse_adopt from public;
grant usage, create on schema rowhouse_adopt to rowhouse_migrator;

revoke all on function rowhouse.running_adoption(oid), rowhouse.claim_adoption(oid[]) from public;
revoke all on rowhouse.adoptions, rowhouse.adoption_steps from public;
grant execute on function rowhouse.running_adoption(oid), rowhouse.claim_adoption(oid[]) to rowhouse_migrator;
grant select, insert, update, delete on rowhouse.adoptions, rowhouse.adoption_steps to rowhouse_migrator;
grant select on rowhouse.adoptions, rowhouse.adoption_steps to rowhouse_control;
