// What is read from a migration's text, and what is refused in it: statement by statement, with its place.
// Long because each statement that is refused, or is not, is a line.
import { describe, expect, it } from 'vitest'
import { segmentsOf } from '../apply/segments.ts'
import { prepareMigration } from './prepare.ts'
import type { TenantMigration } from './prepare.ts'
import { migrationFile } from './read-folder.ts'

const prepare = (sql: string): Promise<TenantMigration> =>
  prepareMigration(migrationFile('20260101000000', 'test', sql))
const checksOf = async (sql: string): Promise<string[]> => (await prepare(sql)).problems.map(({ check }) => check)

describe('statements', () => {
  it('are split as Postgres splits them, with the line each begins at', async () => {
    const { statements, isTransactional, isQuick } = await prepare(`-- é: a comment; with a semicolon
begin;
create table orders (id uuid primary key, note text default 'a;b');
/* also ; here */ create function atomic_total() returns int language plpgsql as $$
begin
  return 1; -- ;
end $$;
select rowhouse.protect('orders');
commit;
`)
    expect(statements.map(({ line, text }) => [line, text.split('\n')[0]])).toEqual([
      [3, "create table orders (id uuid primary key, note text default 'a;b')"],
      [4, 'create function atomic_total() returns int language plpgsql as $$'],
      [8, "select rowhouse.protect('orders')"],
    ])
    expect({ isTransactional, isQuick }).toEqual({ isTransactional: true, isQuick: true })
  })

  it('that Postgres does not know are refused with line and column', async () => {
    await expect(prepare("select 'é';\n  selet 2")).rejects.toMatchObject({
      code: 'migration_invalid',
      details: { line: 2, column: 3 },
    })
    await expect(prepare('\\i other.sql')).rejects.toMatchObject({ code: 'migration_invalid', details: { line: 1 } })
    await expect(prepare('do $$ begin fi; $$')).rejects.toMatchObject({ code: 'migration_invalid' })
  })

  it('of Postgres 18 are known', async () => {
    expect(await checksOf('alter table t add column n int generated always as (m + 1) virtual')).toEqual([])
    expect(await checksOf('alter table t add constraint n_is_there not null n not valid')).toEqual([])
  })

  it('that no transaction may hold are kept apart, and have a form for a home that nobody uses', async () => {
    const { isTransactional, isQuick, statements } = await prepare(
      'create index concurrently "concurrently" on t (n); drop index concurrently if exists o; vacuum t',
    )
    expect({ isTransactional, isQuick }).toEqual({ isTransactional: false, isQuick: false })
    expect(statements.map(({ outside, textInside }) => [outside?.kind, textInside])).toEqual([
      ['create_index', 'create index  "concurrently" on t (n)'],
      ['drop_index', 'drop index  if exists o'],
      ['vacuum', null],
    ])
  })

  it('that lock rowhouse.organizations are known, because one transaction of a database can at a time', async () => {
    expect(
      (await prepare("create table t (id int primary key); select rowhouse.protect('t')")).refersToOrganizations,
    ).toBe(true)
    expect(
      (await prepare('alter table t add foreign key (o) references rowhouse.organizations (id) not valid'))
        .refersToOrganizations,
    ).toBe(true)
    expect((await prepare('alter table t add column n int')).refersToOrganizations).toBe(false)
  })
})

describe('parts of a rollout', () => {
  const partsOf = async (...texts: readonly string[]): Promise<number[]> =>
    segmentsOf(await Promise.all(texts.map(prepare))).map(({ migrations }) => migrations.length)

  it('are as many transactional migrations as follow each other', async () => {
    expect(await partsOf('alter table t add column a int', 'alter table t add column b int')).toEqual([2])
    expect(
      await partsOf('alter table t add column a int', 'create index concurrently i on t (a)', 'drop trigger x on t'),
    ).toEqual([1, 1, 1])
  })

  it('end before one that validates, so that no earlier lock is held while it reads', async () => {
    const add = 'alter table t add constraint c check (n > 0) not valid'
    expect(await partsOf(add, 'alter table t validate constraint c')).toEqual([1, 1])
    // Nor do homes wait for each other's rows.
    expect(await prepare('alter table t validate constraint c')).toMatchObject({ isQuick: false })
    expect(await prepare(add)).toMatchObject({ isQuick: true })
  })
})

describe('a name of a schema', () => {
  it.each([
    ['a table', 'create table public.t (id int)'],
    ['a table that is changed', 'alter table h_0123456789abcdef.t add column n int'],
    ['a reference', 'create table t (id int references public.other (id))'],
    ['a type', 'create table t (kind public.kinds)'],
    ['a function', 'alter table t alter n set default public.next_number()'],
    ['a function that is made', 'create function public.f() returns int language sql return 1'],
    ['an operator', 'create view v with (security_invoker = true) as select 1 operator(public.+) 1'],
    ['a collation', 'create table t (name text collate public.german)'],
    ['an enum', "create type public.kinds as enum ('a')"],
    ['a domain', 'create domain public.positive as int check (value > 0)'],
    ['a view', 'create view public.v with (security_invoker = true) as select 1'],
    ['a column with its table', 'create view v with (security_invoker = true) as select public.t.id from t'],
    ['a trigger function', 'create trigger t before insert on t for each row execute function public.f()'],
    [
      'a table that is dropped',
      '-- rowhouse: allow drop_table because\n-- rowhouse: allow drop_table because of the test\ndrop table public.t'
        .split('\n')
        .slice(1)
        .join('\n'),
    ],
    ['a trigger that is dropped', 'drop trigger a on public.t'],
    ['a column with a comment', "comment on column public.t.n is 'x'"],
    ['an index that is renamed', 'alter index public.i rename to j'],
    ['text that becomes a name', "select rowhouse.protect('public.t')"],
    ['text that is cast to a name', "alter table t alter n set default nextval('public.s'::regclass)"],
    ['quoted text', `select rowhouse.protect('"public"."t"')`],
    [
      'the body of a function',
      'create function f() returns int language plpgsql as $$ begin return (select count(*) from public.t); end $$',
    ],
    [
      'the body of a SQL function',
      "create function f() returns bigint language sql as 'select count(*) from public.t'",
    ],
    ['a table of Rowhouse that would be changed', 'alter table rowhouse.members add column n int'],
    ['keys of Rowhouse that would be granted', 'grant select on rowhouse.keys to rowhouse_app'],
    [
      'keys that would be put where tenants read',
      "create table loot as select inner_pad as pad from rowhouse.keys; select rowhouse.share('loot', 'x')",
    ],
    [
      'keys that a body would read',
      'create function f() returns bytea language sql return (select inner_pad from rowhouse.keys)',
    ],
    ['a function of Rowhouse that would be granted', 'grant execute on function rowhouse.enter(text) to anon'],
    ['a function of Rowhouse that would be changed', 'alter function rowhouse.can(text) security invoker'],
    ['a policy for a table of Rowhouse', 'create policy p on rowhouse.members using (true)'],
    ['a policy of Rowhouse that would be changed', 'alter policy p on rowhouse.members using (true)'],
    ['a policy of Rowhouse that would be dropped', 'drop policy own_organization on rowhouse.members'],
    ['a trigger of Rowhouse that would be dropped', 'drop trigger forget_key_constants on rowhouse.keys'],
    ['a sequence of Rowhouse', 'alter sequence rowhouse.rollout_fences restart'],
    ['a type of Rowhouse', "alter type rowhouse.kinds add value 'a'"],
    ['a comment on what is Rowhouse’s', "comment on table rowhouse.keys is 'x'"],
    ['a table that is made in Rowhouse', 'create table rowhouse.x as select 1 as n'],
    ['a vacuum of what is Rowhouse’s', 'vacuum rowhouse.members'],
    ['a statement in a DO block', 'do $$ begin grant select on rowhouse.keys to rowhouse_app; end $$'],
  ])('is refused: %s', async (_, sql) => {
    expect(await checksOf(sql)).toEqual(['names_schema'])
  })

  it('is refused where rows of Rowhouse would be changed by the way, and nothing allows that', async () => {
    const { problems } = await prepare(`-- rowhouse: allow change_data because of the test
with gone as (delete from rowhouse.members returning 1) select 1 from gone`)
    expect(problems.map(({ check }) => check)).toEqual(['names_schema'])
  })

  it('is named with its place and what to write in its stead', async () => {
    expect(
      (await prepare('create table a (id int);\ncreate table b (\n  id int references public.a (id))')).problems,
    ).toEqual([
      {
        check: 'names_schema',
        line: 3,
        column: 21,
        message: 'public.a names a schema. The migration runs in every home, each of which has its own.',
        instead: 'Write a: it is found in the home that is migrated.',
        onlyIfLarge: null,
      },
    ])
  })

  it('is right for what is the same everywhere', async () => {
    expect(
      await checksOf(`create table t (
        organization_id uuid not null default rowhouse.organization_id() references rowhouse.organizations (id),
        id uuid default pg_catalog.gen_random_uuid(), email extensions.citext, owner uuid default auth.uid(),
        primary key (organization_id, id));
      create function f() returns trigger language plpgsql set search_path = '' as $$ begin new.n := 1; return new; end $$;
      select rowhouse.protect('t', '{"timestamps": true}')`),
    ).toEqual([])
  })
})

describe('what reaches beyond a home', () => {
  it.each([
    ['create schema s', 'statement_not_for_homes'],
    ['drop schema s cascade', 'statement_not_for_homes'],
    ['create extension citext', 'statement_not_for_homes'],
    ['create role r', 'statement_not_for_homes'],
    ['alter table t owner to r', 'statement_not_for_homes'],
    ['alter table t set schema s', 'statement_not_for_homes'],
    ['grant usage on schema s to r', 'statement_not_for_homes'],
    ['grant select on all tables in schema s to r', 'statement_not_for_homes'],
    ['alter default privileges grant select on tables to r', 'statement_not_for_homes'],
    ['create publication p for all tables', 'statement_not_for_homes'],
    ["copy t from program 'true'", 'statement_not_for_homes'],
    ['reindex database d', 'statement_not_for_homes'],
    ['vacuum', 'statement_not_for_homes'],
    ['alter table t detach partition p concurrently', 'statement_not_for_homes'],
    ['set search_path = public', 'session_setting'],
    ['set local role postgres', 'session_setting'],
    ['set work_mem = 1000', 'session_setting'],
    ['reset all', 'session_setting'],
    ["select set_config('search_path', 'public', true)", 'session_setting'],
    ["select 1 where pg_catalog.set_config('role', 'rowhouse_owner', true) is not null", 'session_setting'],
    ["select lower(set_config('rowhouse.protecting', '1', true))", 'session_setting'],
    ["create table made as select set_config('search_path', 'h_b', true) as path", 'session_setting'],
    ["create table made (n text); insert into made values (set_config('role', 'r', true))", 'session_setting'],
    ["do $$ begin perform set_config('search_path', 'h_b', true); end $$", 'session_setting'],
    ['do $$ begin set local role rowhouse_owner; end $$', 'session_setting'],
    ["set local rowhouse.protecting = '1'", 'session_setting'],
    ['set local standard_conforming_strings = off', 'session_setting'],
    ["set local names 'SJIS'", 'session_setting'],
    ['set local session_replication_role = replica', 'session_setting'],
    ['set local transaction read only', 'session_setting'],
    ['set role rowhouse_owner', 'session_setting'],
    ['set session authorization postgres', 'session_setting'],
    ['set local session authorization postgres', 'session_setting'],
    ['reset role', 'session_setting'],
    ['set local search_path = public', 'session_setting'],
    ['do $$ begin set local search_path = public; end $$', 'session_setting'],
    ['set local lock_timeout = 0', 'session_setting'],
    ['discard all', 'statement_not_for_homes'],
    ['explain analyze delete from t', 'statement_not_for_homes'],
    ['prepare p as delete from t', 'statement_not_for_homes'],
    ['execute p', 'statement_not_for_homes'],
    ['declare c cursor for select 1', 'statement_not_for_homes'],
    ['listen c', 'statement_not_for_homes'],
    ["notify c, 'x'", 'statement_not_for_homes'],
    ['cluster t', 'statement_not_for_homes'],
    ['create rule r as on insert to t do nothing', 'statement_not_for_homes'],
    ["load 'x'", 'statement_not_for_homes'],
    ['create event trigger e on ddl_command_end execute function f()', 'statement_not_for_homes'],
    ["prepare transaction 'x'", 'transaction_control'],
    ['do $$ begin commit; end $$', 'transaction_control'],
    ['do $$ begin for i in 1..2 loop rollback; end loop; end $$', 'transaction_control'],
    ['do $$ begin create extension dblink; end $$', 'statement_not_for_homes'],
    ['do $$ begin if true then alter role rowhouse_app bypassrls; end if; end $$', 'statement_not_for_homes'],
    ["do $$ begin copy t from program 'true'; end $$", 'statement_not_for_homes'],
    ['rollback', 'transaction_control'],
    ['savepoint a', 'transaction_control'],
    ['create index concurrently i on t (n); alter table t add column m int', 'concurrently'],
    ['create index concurrently on t (n)', 'concurrently'],
  ])('is refused: %s', async (sql, check) => {
    expect(await checksOf(sql)).toContain(check)
  })

  it.each(['\\connect other', 'create table t (id int);\n\\! rm x', '\\set n 1\nselect :n'])(
    'is refused where psql would do it: %s',
    async (sql) => {
      await expect(prepare(sql)).rejects.toMatchObject({ code: 'migration_invalid' })
    },
  )

  it('cannot be allowed', async () => {
    await expect(prepare('-- rowhouse: allow names_schema because I want it\nselect 1')).rejects.toMatchObject({
      code: 'migration_invalid',
    })
  })
})

describe('a change of rows', () => {
  it.each([
    'insert into t values (1)',
    'update t set n = 1',
    'delete from t',
    'truncate t',
    'merge into t using u on t.id = u.id when matched then delete',
    'with gone as (delete from t returning id) select id from gone',
    'do $$ begin update t set n = 1; end $$',
    'do $$ begin if true then insert into t values (1); end if; end $$',
  ])('is refused: %s', async (sql) => {
    expect(await checksOf(sql)).toEqual(['change_data'])
  })

  it.each([
    ['create temp table t (n int); delete from t', 'change_data'],
    ['create table pg_temp.t (n int); delete from t', 'change_data'],
    ['create temp table t as select 1 as n; truncate t', 'change_data'],
    ['create table if not exists t as select 1 as n; delete from t', 'change_data'],
    ['create temp view t as select 1 as n; drop table t', 'drop_table'],
  ])('of a table of the home is not hidden by a temporary one of its name: %s', async (sql, check) => {
    expect(await checksOf(sql)).toContain(check)
  })

  it('is refused where a made table is filled by a function that could do it', async () => {
    expect(await checksOf('create table made (n int); insert into made select empty_all()')).toEqual([
      'unknown_function',
    ])
  })

  it('is right in a table that the same migration makes', async () => {
    expect(
      await checksOf(
        "create table countries (code text primary key); insert into countries values ('de'); select rowhouse.share('countries', 'the same for all')",
      ),
    ).toEqual([])
  })

  it('hides in code that nobody knows', async () => {
    expect(await checksOf('select recompute_everything()')).toEqual(['unknown_function'])
    expect(await checksOf('call recompute_everything()')).toEqual(['unknown_function'])
    expect(await checksOf("do $$ begin execute 'update t set n = 1'; end $$")).toEqual(['dynamic_sql'])
    expect(await checksOf("do language plpython3u $$ plpy.execute('drop table t') $$")).toEqual(['dynamic_sql'])
    expect(
      await checksOf('create function f() returns void language plpgsql as $$ begin delete from t; end $$; select f()'),
    ).toEqual(['unknown_function'])
    for (const call of [
      'pg_sleep(3600)',
      'pg_advisory_lock(1)',
      'pg_terminate_backend(1)',
      "pg_read_file('x')",
      "query_to_xml('select 1', false, false, '')",
      "lo_import('x')",
    ]) {
      expect(await checksOf(`select pg_catalog.${call}`)).toEqual(['unknown_function'])
      expect(await checksOf(`do $$ begin perform pg_catalog.${call}; end $$`)).toEqual(['unknown_function'])
    }
    expect(
      await checksOf("do $$ begin if to_regclass('t') is null then raise notice '%', format('%s', 1); end if; end $$"),
    ).toEqual([])
  })
})

describe('a dangerous statement', () => {
  it.each([
    ['drop table t', 'drop_table', null],
    ['drop view v', 'drop_view', null],
    ['drop function f(int)', 'drop_function', null],
    ['drop type k', 'drop_type', null],
    ['alter table t drop column n', 'drop_column', null],
    ['alter table t rename to u', 'rename', null],
    ['alter table t rename column n to m', 'rename', null],
    ["alter type k rename value 'a' to 'b'", 'rename', null],
    ['alter table t add column n int not null', 'add_not_null_column', null],
    ['alter table t add column n uuid not null default gen_random_uuid()', 'volatile_default', 't'],
    ['alter table t add column n timestamptz default clock_timestamp()', 'volatile_default', 't'],
    ['alter table t add column n serial', 'volatile_default', 't'],
    ['alter table t add column n int generated always as identity', 'volatile_default', 't'],
    ['alter table t add column n int generated always as (m + 1) stored', 'stored_expression', 't'],
    ['alter table t add column n int unique', 'add_unique', 't'],
    ['alter table t add column n int check (n > 0)', 'add_constraint', 't'],
    ['alter table t alter column n type bigint', 'change_type', 't'],
    ['alter table t alter column n set not null', 'not_null_without_check', 't'],
    ['alter table t add constraint c check (n > 0)', 'add_constraint', 't'],
    ['alter table t add constraint c foreign key (n) references u (id)', 'add_constraint', 't'],
    ['alter table t add constraint c unique (organization_id, n)', 'add_unique', 't'],
    ['alter table t add primary key (organization_id, id)', 'add_primary_key', 't'],
    ['alter table t set unlogged', 'rewrite_table', 't'],
    ['create index i on t (n)', 'index_without_concurrently', 't'],
    ['reindex table t', 'index_without_concurrently', 't'],
    ['lock table t', 'lock_table', null],
    ['create function f() returns int language sql security definer return 1', 'definer_function', null],
    [
      'create or replace function f() returns trigger language plpgsql security definer as $$ begin return new; end $$',
      'definer_function',
      null,
    ],
    ['alter function f() security definer', 'definer_function', null],
    ['vacuum full t', 'rewrite_table', null],
    ['alter table t set tablespace s', 'rewrite_table', 't'],
    ['alter index i set tablespace s', 'rewrite_table', null],
    ['alter table t alter column n drop default', 'drop_default', null],
    ['alter table t alter column n drop identity', 'drop_default', null],
    ['alter table t alter column n drop expression', 'drop_default', null],
    ['alter table t add column n int default 1 references u (id)', 'add_constraint', 't'],
    ["alter table t attach partition p for values in ('a')", 'add_constraint', 'p'],
    ['alter table t add constraint c exclude using gist (n with =)', 'add_unique', 't'],
    ['alter table t add constraint c check (n > 0) not valid, validate constraint c', 'add_constraint', 't'],
    [
      'alter table t add constraint c check (n > 0) not valid; alter table t validate constraint c',
      'add_constraint',
      't',
    ],
    ['alter domain d add constraint c check (value > 0)', 'add_constraint', null],
    ['alter domain d set not null', 'add_constraint', null],
    ['alter type k rename attribute a to b', 'rename', null],
    ['alter type k drop attribute a', 'drop_column', null],
    ['alter view v rename to w', 'rename', null],
    ['drop sequence s', 'drop_table', null],
  ])('is refused: %s', async (sql, check, onlyIfLarge) => {
    const { problems } = await prepare(sql)
    expect(problems.map((problem) => [problem.check, problem.onlyIfLarge])).toEqual([[check, onlyIfLarge]])
    expect(problems[0]?.instead).not.toBe('')
  })

  it.each([
    ['drop table t', 'drop_table'],
    ['alter table t drop column n', 'drop_column'],
    ['alter table t rename to u', 'rename'],
    ['if true then lock table t; end if', 'lock_table'],
    ['alter table t alter column n type bigint', 'change_type'],
    ['alter table t alter column n set not null', 'not_null_without_check'],
    ['alter table t add column n uuid default gen_random_uuid()', 'volatile_default'],
    ['alter table t add constraint c foreign key (n) references u (id)', 'add_constraint'],
    ['create index i on t (n)', 'index_without_concurrently'],
  ])('is refused in a DO block as well: %s', async (sql, check) => {
    expect(await checksOf(`do $$ begin ${sql}; end $$`)).toEqual([check])
  })

  it.each([
    'alter table t add column n int',
    "alter table t add column n text not null default 'none'",
    'alter table t add column at timestamptz not null default now()',
    'alter table t alter column n drop not null',
    'alter table t add column n int references u (id)',
    'alter domain d add constraint c check (value > 0) not valid',
    'alter index i set (fillfactor = 70)',
    "create table p (n text); alter table t attach partition p for values in ('a')",
    'alter table t alter column n set default gen_random_uuid()',
    'alter table t add constraint c check (n > 0) not valid',
    'alter table t validate constraint c',
    'alter table t add constraint c unique using index i',
    'alter table t drop constraint c',
    'create index concurrently i on t (n)',
    'reindex index concurrently i',
    "alter type k add value 'c'",
    'create function f() returns int language sql security invoker return 1',
    'alter function f() stable',
    'create table t (id serial primary key, n int unique); create index on t (n); alter table t add column m int not null',
    'alter index i rename to j',
  ])('is none: %s', async (sql) => {
    expect(await checksOf(sql)).toEqual([])
  })

  it('is allowed by its name, with a reason that is kept', async () => {
    const { problems, allowed, overrides } =
      await prepare(`-- rowhouse: allow drop_column because nothing reads it since March
alter table t drop column n;
drop table u;`)
    expect(problems.map(({ check }) => check)).toEqual(['drop_table'])
    expect(allowed).toMatchObject([{ check: 'drop_column', line: 2, reason: 'nothing reads it since March' }])
    expect(overrides).toEqual({ drop_column: 'nothing reads it since March' })
  })

  it.each([
    '-- rowhouse: allow drop_column',
    '-- rowhouse: allow drop_column because',
    '-- rowhouse: allow everything because of me',
    '-- rowhouse: please',
  ])('is not allowed by %s', async (comment) => {
    await expect(prepare(`${comment}\nalter table t drop column n`)).rejects.toMatchObject({
      code: 'migration_invalid',
      details: { line: 1 },
    })
  })

  it('is not allowed by text that is no comment', async () => {
    expect(
      await checksOf("comment on table t is '\n-- rowhouse: allow drop_table because of text\n'; drop table t"),
    ).toEqual(['drop_table'])
  })
})
