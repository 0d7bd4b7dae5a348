// A protected table that many homes get from one: it is what protect() would have made in each, and what is not is never left.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const database = useTestDatabase()
/** Where protect() makes the table, where it comes from there, and where protect() makes it too. */
let from: string
let to: string
let beside: string
let migrator: Client

const asAdmin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)

beforeEach(async () => {
  const homes = await makeHomes(database(), 3)
  ;[from, to, beside] = homes.map(({ schemaName }) => schemaName) as [string, string, string]
  migrator = new Client(database().migratorUrl)
  await migrator.connect()
  await migrator.query('set row_security = off')
})
afterEach(async () => {
  await migrator.end()
  await dropHomes(database())
})

interface Table {
  readonly making: string
  readonly options?: string
  /** What every home has already. */
  readonly before?: string
}

const protecting = ({ options }: Table): string =>
  `select rowhouse.protect('made'${options === undefined ? '' : `, '${options}'`})`

async function prepare({ before }: Table): Promise<void> {
  if (before === undefined) return
  for (const home of [from, to, beside]) await migrator.query(`set search_path = ${home}; ${before}; reset search_path`)
}

/** Ends in a transaction that has just protected the table in the first home. */
async function makeFirst(table: Table): Promise<void> {
  await migrator.query(`begin; set local search_path = ${from}, pg_temp`)
  await migrator.query(table.making)
  await migrator.query(protecting(table))
  await migrator.query('set local search_path = pg_catalog, pg_temp')
}

const makeAlike = async (): Promise<boolean | undefined> =>
  (
    await migrator.query<{ made: boolean }>('select rowhouse.make_alike($1::regclass, $2) as made', [
      `${from}.made`,
      [to],
    ])
  ).rows[0]?.made

const protectAlike = (table: Table): Promise<unknown> =>
  migrator.query('select rowhouse.protect_alike($1::regclass, $2, $3, $4)', [
    `${from}.made`,
    [to],
    table.making,
    protecting(table),
  ])

const makeBeside = (table: Table): Promise<unknown> =>
  migrator.query(`set local search_path = ${beside}, pg_temp; ${table.making}; ${protecting(table)}`)

/** Of a whole home. */
const structureOf = async (home: string): Promise<string[]> =>
  (
    await migrator.query<{ line: string }>(
      `select line from rowhouse.structure($1, (select s.login from rowhouse.tenant_schemas s where s.name = $1)) order by line collate "C"`,
      [home],
    )
  ).rows.map(({ line }) => line)

const weaknesses = async (): Promise<unknown[]> =>
  (await migrator.query('select message from rowhouse.home_weaknesses($1)', [to])).rows

const id = 'id uuid primary key default gen_random_uuid()'
const companies = `create table companies (${id}); select rowhouse.protect('companies')`

describe('a table comes to other homes as protect() would make it', () => {
  it.each<[string, Table]>([
    ['of a few columns', { making: `create table made (${id}, body text)` }],
    [
      'whose key has the organization',
      {
        making: `create table made (organization_id uuid not null default rowhouse.organization_id(), number int not null,
          primary key (organization_id, number))`,
      },
    ],
    [
      'that refers to itself',
      { making: `create table made (${id}, parent_id uuid references made on delete set null)` },
    ],
    [
      'that refers to another',
      {
        making: `create table made (organization_id uuid not null default rowhouse.organization_id(), id uuid not null, company_id uuid,
          primary key (organization_id, id), constraint its_company foreign key (organization_id, company_id) references companies
            on delete cascade deferrable initially deferred)`,
        before: companies,
      },
    ],
    [
      'with timestamps and rights of its authors',
      { making: `create table made (${id}, body text)`, options: '{"timestamps": true, "own": "data.manage"}' },
    ],
    [
      'with masks and permissions',
      { making: `create table made (${id}, body text)`, options: '{"mask": ["body"], "read": "data.read"}' },
    ],
    [
      'without a reference to organizations',
      { making: `create table made (${id})`, options: '{"organization_reference": "none"}' },
    ],
    [
      'of every sort of column and constraint',
      {
        making: `create table made (id bigint primary key, "Order" varchar(20) unique, price numeric(10, 2) default 0 check (price >= 0),
          tags text[] not null default '{}', notes jsonb default '{"it''s": null}', name text collate "C", at timestamptz default now(),
          constraint not_both check (name is null or tags = '{}'), unique nulls not distinct (price, at))`,
      },
    ],
  ])('%s', async (_, table) => {
    await prepare(table)
    await makeFirst(table)
    expect(await makeAlike()).toBe(true)
    await makeBeside(table)
    const made = await structureOf(to)
    expect(made).toEqual(await structureOf(beside))
    expect(made).toEqual(await structureOf(from))
    expect(await weaknesses()).toEqual([])
    const { rows } = await migrator.query(
      'select action, target, reason from rowhouse.protection_events where transaction_id = pg_current_xact_id() and target like $1 order by id',
      ['%.made'],
    )
    const reason = table.options ?? '{}'
    expect(rows).toEqual(
      [from, to, beside].map((home) => ({
        action: 'protect',
        target: `${home}.made`,
        reason: expect.anything() as string,
      })),
    )
    expect(rows.map((row: { reason: string }) => JSON.parse(row.reason) as unknown)).toEqual(
      Array(3).fill(JSON.parse(reason)),
    )
    await migrator.query('commit')
  })

  it.each<[string, Table]>([
    ['a sequence of its own', { making: 'create table made (id serial primary key)' }],
    ['an identity', { making: 'create table made (id int generated always as identity primary key)' }],
    [
      'a generated column',
      { making: `create table made (${id}, n int, twice int generated always as (n * 2) stored)` },
    ],
    [
      'a type of the home',
      { making: `create table made (${id}, stage stage)`, before: `create type stage as enum ('open')` },
    ],
    [
      'a function of the home',
      {
        making: `create table made (${id}, code text default new_code())`,
        before: `create function new_code() returns text language sql immutable return 'x'`,
      },
    ],
    ['privileges on columns', { making: `create table made (${id})`, options: '{"strict": true}' }],
    ['partitions', { making: `create table made (${id})`, options: '{"partitions": 2}' }],
    ['settings', { making: `create table made (${id}) with (fillfactor = 70)` }],
  ])('by the statements themselves, where it has %s', async (_, table) => {
    await prepare(table)
    await makeFirst(table)
    const before = await structureOf(to)
    expect(await makeAlike()).toBe(false)
    expect(await structureOf(to)).toEqual(before)
    await protectAlike(table)
    await makeBeside(table)
    expect(await structureOf(to)).toEqual(await structureOf(beside))
    expect(await weaknesses()).toEqual([])
    await migrator.query('commit')
  })
})

describe('what came otherwise', () => {
  const table: Table = { making: `create table made (${id}, body text)` }

  /** What somebody's own event trigger does to new tables of one home. */
  async function whileSomebody(does: string, act: () => Promise<void>): Promise<void> {
    await asAdmin(`create function public.meddle() returns event_trigger language plpgsql security definer as $$
        begin
          if exists (select from pg_event_trigger_ddl_commands() c where c.object_identity = '${to}.made' and c.command_tag = 'CREATE TABLE') then
            ${does.replaceAll('made', `${to}.made`)};
          end if;
        end $$;
      create event trigger meddle on ddl_command_end when tag in ('CREATE TABLE') execute function public.meddle()`)
    try {
      await act()
    } finally {
      await migrator.query('rollback')
      await asAdmin('drop event trigger meddle; drop function public.meddle()')
    }
  }
  const grant = 'grant select, truncate on made to rowhouse_app'
  const reach = async (): Promise<unknown> =>
    (
      await migrator.query<{ may: boolean }>(
        `select has_table_privilege('rowhouse_app', '${to}.made', 'truncate') as may`,
      )
    ).rows[0]?.may

  it('is refused, and by the guard as well when protect() is to make it instead', () =>
    whileSomebody(grant, async () => {
      await makeFirst(table)
      await migrator.query('savepoint before')
      await expect(makeAlike()).rejects.toMatchObject({
        code: 'RH095',
        message: `${to}.made is not like ${from}.made, which protect() made.`,
      })
      await migrator.query('rollback to before')
      await expect(protectAlike(table)).rejects.toMatchObject({ code: 'RH043' })
    }))

  it('is made by protect() instead', () =>
    whileSomebody('alter table made add column noted_at timestamptz, disable row level security', async () => {
      await makeFirst(table)
      await protectAlike(table)
      expect(await structureOf(to)).toContain('column made.noted_at timestamp with time zone')
      expect(await weaknesses()).toEqual([])
    }))

  it('would stay without the comparison', () =>
    whileSomebody(grant, async () => {
      await makeFirst(table)
      await migrator.query(`set local role rowhouse_owner;
        create or replace function rowhouse.table_facts(targets regclass[]) returns table (target regclass, facts text)
          language sql as $$ select t, 'alike' from unnest(targets) t $$;
        reset role`)
      expect(await makeAlike()).toBe(true)
      expect(await reach()).toBe(true)
    }))

  it('is refused where nothing is said of it', async () => {
    await makeFirst(table)
    await migrator.query(`set local role rowhouse_owner;
      create or replace function rowhouse.table_facts(targets regclass[]) returns table (target regclass, facts text)
        language sql as $$ select t, 'alike' from unnest(targets) t where t::text like '${from}.%' $$;
      reset role`)
    await expect(makeAlike()).rejects.toMatchObject({ code: 'RH095' })
    await migrator.query('rollback')
  })

  it.each([
    'alter table made disable row level security',
    'alter table made no force row level security',
    'alter table made owner to rowhouse_migrator',
    'alter table made replica identity full',
    'alter table made set (fillfactor = 70)',
    'alter table made set unlogged',
    'alter table made add column more int',
    'alter table made drop column body',
    'alter table made rename column body to text',
    'alter table made alter body type varchar(10)',
    "alter table made alter body set default 'x'",
    'alter table made alter body set not null',
    'alter table made alter body set storage plain',
    'alter table made alter organization_id drop default',
    'alter table made alter organization_id set default gen_random_uuid()',
    'alter table made drop constraint made_pkey',
    'alter table made drop constraint made_pkey, add constraint made_pkey primary key (id)',
    'alter table made drop constraint rowhouse_organization_exists',
    'alter table made drop constraint rowhouse_lives_here',
    'alter table made drop constraint rowhouse_lives_here, add constraint rowhouse_lives_here check (organization_id = gen_random_uuid())',
    'alter table made add check (body is not null)',
    'create index on made (body)',
    'create unique index on made (organization_id, body)',
    'drop policy rowhouse_organization on made',
    'alter policy rowhouse_organization on made using (true)',
    'alter policy rowhouse_organization on made with check (true)',
    'alter policy rowhouse_read on made to rowhouse_app',
    'create policy more on made using (true)',
    'drop trigger "!rowhouse_change_log_insert" on made',
    'alter table made disable trigger "!rowhouse_change_log_insert"',
    'alter table made enable trigger "!rowhouse_change_log_inserts"',
    `create or replace trigger "!rowhouse_change_log_delete" after delete on made for each row execute function rowhouse.log_change('other', 'made', 'id', '{}', '{id}', '{}')`,
    'create rule quiet as on delete to made do instead nothing',
    'create table part () inherits (made)',
    'grant truncate on made to LOGIN',
    'grant select on made to public',
    'grant select (body) on made to rowhouse_app',
    'revoke delete on made from LOGIN',
    'grant select on made to LOGIN with grant option',
  ])('is seen: %s', async (change) => {
    await makeFirst(table)
    expect(await makeAlike()).toBe(true)
    await migrator.query('commit')
    const facts = async (): Promise<unknown> =>
      (
        await asAdmin(
          'select count(distinct facts)::int as sorts, count(*)::int as tables from rowhouse.table_facts($1::regclass[])',
          [[`${from}.made`, `${to}.made`]],
        )
      )[0]
    expect(await facts()).toEqual({ sorts: 1, tables: 2 })
    await asAdmin(`set search_path = ${to}, pg_temp; ${change.replace('LOGIN', `rowhouse_${to}`)}`)
    expect(await facts()).toEqual({ sorts: 2, tables: 2 })
  })

  it('is the check of another organization as well', async () => {
    await makeFirst(table)
    expect(await makeAlike()).toBe(true)
    const [other] = (
      await migrator.query<{ check: string }>('select rowhouse.home_check_text($1::regclass) as check', [
        `${from}.made`,
      ])
    ).rows
    await migrator.query('commit')
    await asAdmin(
      `alter table ${to}.made drop constraint rowhouse_lives_here, add constraint rowhouse_lives_here ${other?.check ?? ''}`,
    )
    const [{ sorts } = { sorts: 0 }] = await asAdmin<{ sorts: number }>(
      'select count(distinct facts)::int as sorts from rowhouse.table_facts($1::regclass[])',
      [[`${from}.made`, `${to}.made`]],
    )
    expect(sorts).toBe(2)
  })
})

describe('nothing comes from a table', () => {
  const table: Table = { making: `create table made (${id}, body text)` }

  it('that was protected in another transaction', async () => {
    await makeFirst(table)
    await migrator.query('commit')
    await expect(makeAlike()).rejects.toMatchObject({ code: 'RH095' })
  })

  it('that is not the last one that was protected', async () => {
    await makeFirst(table)
    await migrator.query(
      `set local search_path = ${from}; create table other (${id}); select rowhouse.protect('other')`,
    )
    await expect(makeAlike()).rejects.toMatchObject({ code: 'RH095' })
    await migrator.query('rollback')
  })

  it('that was weakened since', async () => {
    await makeFirst(table)
    await migrator.query(`set local search_path = ${from}; select rowhouse.go_past_guard('protect', 'made', '{}');
      alter table made disable row level security; select rowhouse.stay_behind_guard()`)
    await expect(makeAlike()).rejects.toMatchObject({ code: 'RH095' })
    await migrator.query('rollback')
  })

  it('to a schema that is nobody’s home', async () => {
    await migrator.query('create schema h_0123456789abcdef')
    await makeFirst(table)
    const { rows } = await migrator.query('select rowhouse.make_alike($1::regclass, $2) as made', [
      `${from}.made`,
      ['h_0123456789abcdef'],
    ])
    expect(rows).toEqual([{ made: false }])
    await migrator.query('rollback; drop schema h_0123456789abcdef')
  })

  it('for whoever may not call protect(): tenants and the application', async () => {
    const may = await asAdmin<{ role: string; name: string }>(
      `select r.role, p.proname as name from pg_proc p
       cross join unnest(rowhouse.tenant_roles() || '{rowhouse_control,service_role,rowhouse_tenant}'::text[]) r (role)
       where p.proname in ('make_alike', 'protect_alike', 'plain_statements', 'table_facts') and has_function_privilege(r.role, p.oid, 'execute')`,
    )
    expect(may).toEqual([])
  })

  it('and the guard is back when it was made, and the caller is who it was', async () => {
    await makeFirst(table)
    expect(await makeAlike()).toBe(true)
    expect((await migrator.query('select current_user::text as "user"')).rows).toEqual([{ user: 'rowhouse_migrator' }])
    await expect(migrator.query(`alter table ${to}.made disable row level security`)).rejects.toMatchObject({
      code: 'RH040',
    })
    await migrator.query('rollback')
  })
})
