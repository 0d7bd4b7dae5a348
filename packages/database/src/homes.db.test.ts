// A home of its own inside a database: who comes there, what protect gives to whom, which rows it takes, and what is noticed
// when something of that is changed. Two homes and the shared tables stand beside each other.
import { randomUUID } from 'node:crypto'
import { sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { loginUrl, scramVerifier, deriveLoginPassword } from './keys.ts'
import type { HomeLogin } from './keys.ts'

interface TestHome {
  readonly schema: string
  readonly login: HomeLogin
  readonly organization: string
}

const database = useTestDatabase()
const homeOf = (digits: string): TestHome => ({
  schema: `h_${digits}`,
  login: `rowhouse_h_${digits}`,
  organization: randomUUID(),
})
const digits = randomUUID().replaceAll('-', '').slice(0, 15)
const a = homeOf(`${digits}a`)
const b = homeOf(`${digits}b`)

const admin = (text: string, values: unknown[] = []) =>
  withClient(database().adminUrl, (client) => client.query(text, values))
const migrator = (text: string, values: unknown[] = []) =>
  withClient(database().migratorUrl, (client) => client.query(text, values))
const asHome = (home: TestHome, text: string, values: unknown[] = []) =>
  withClient(loginUrl(database().adminUrl, home.login, database().signingKey), (client) => client.query(text, values))

/** Tables as a tenant migration writes them: no schema is named, and what it grants it grants to the shared roles. */
const migration = `
  create table companies (id uuid primary key default gen_random_uuid(), name text);
  create table contacts (id uuid primary key default gen_random_uuid(), company_id uuid references companies, email text);
  select rowhouse.protect('companies');
  select rowhouse.protect('contacts');
  create view names with (security_invoker = true) as select id, name from companies;
  grant select on names to rowhouse_app, authenticated;
  create function shout(word text) returns text language sql immutable return upper(word);`

async function makeHome(home: TestHome): Promise<void> {
  const password = scramVerifier(deriveLoginPassword(database().signingKey, home.login))
  await admin(`create role ${home.login} login password '${password}'`)
  await admin(`grant rowhouse_tenant to ${home.login}`)
  await admin(`create schema ${home.schema} authorization rowhouse_owner`)
  await admin('select rowhouse.register_home($1, $2, $3)', [home.schema, home.login, home.organization])
  await admin(
    `do $$ begin execute format('alter role ${home.login} in database %I set search_path = ${home.schema}, pg_temp', current_database()); end $$`,
  )
  await migrator(`set search_path = ${home.schema}; ${migration}`)
  await migrator('select rowhouse.settle_home($1)', [home.schema])
}

const problems = async (home: TestHome): Promise<string[]> =>
  (await admin('select distinct code from rowhouse.home_problems($1) order by 1', [home.schema])).rows.map(
    ({ code }: { code: string }) => code,
  )

/** What is noticed while something is changed, which is undone. */
async function problemsAfter(home: TestHome, change: string): Promise<string[]> {
  return withClient(database().adminUrl, async (client) => {
    await client.query('begin')
    await client.query(change)
    const { rows } = await client.query<{ code: string }>(
      'select distinct code from rowhouse.home_problems($1) order by 1',
      [home.schema],
    )
    await client.query('rollback')
    return rows.map(({ code }) => code)
  })
}

beforeAll(async () => {
  await migrator(migration)
  await makeHome(a)
  await makeHome(b)
})
afterAll(async () => {
  for (const { login } of [a, b]) await admin(`drop owned by ${login} cascade; drop role ${login}`)
})

describe('a home of its own', () => {
  it('has the rows of the shared tables in the same shape, and its login in place of the shared roles', async () => {
    const { rows: columns } = await admin(
      `select table_schema as schema, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) as shape
       from information_schema.columns where table_name = 'contacts' and table_schema in ('public', $1) group by 1`,
      [a.schema],
    )
    expect(columns).toHaveLength(2)
    expect(columns[0].shape).toBe(columns[1].shape)
    const { rows } = await admin(
      `select distinct grantee::regrole::text as grantee from pg_class c, aclexplode(c.relacl)
       where c.relnamespace = $1::regnamespace and grantee not in ('rowhouse_owner'::regrole, 'rowhouse_migrator'::regrole)`,
      [a.schema],
    )
    expect(rows).toEqual([{ grantee: a.login }])
  })

  it('has no problem and no finding', async () => {
    expect(await problems(a)).toEqual([])
    const { rows } = await admin('select code, object, message from rowhouse.findings()')
    expect(rows).toEqual([])
  })

  it('is not reached by the shared login, nor by the login of another home, nor is anything else by its own', async () => {
    const app = (text: string) => withClient(database().appUrl, (client) => client.query(text))
    expect(await sqlstateOf(app(`select from ${a.schema}.contacts`))).toBe('42501')
    expect(await sqlstateOf(asHome(b, `select from ${a.schema}.contacts`))).toBe('42501')
    expect(await sqlstateOf(asHome(a, 'select from public.contacts'))).toBe('42501')
    expect(await sqlstateOf(asHome(a, 'select from contacts'))).toBe('done')
    expect(await sqlstateOf(asHome(a, 'select from names'))).toBe('done')
    expect(await sqlstateOf(asHome(a, "select shout('x')"))).toBe('done')
    expect(await sqlstateOf(asHome(a, "select rowhouse.enter('token')"))).toBe('42501')
    expect(await sqlstateOf(asHome(a, 'create table mine (id int)'))).toBe('42501')
    expect(await sqlstateOf(asHome(a, 'create temp table mine (id int)'))).toBe('42501')
    expect(await sqlstateOf(asHome(a, 'set role rowhouse_app'))).toBe('42501')
  })

  it('takes rows of its organization only, whoever writes them; without the check it would take others', async () => {
    const insert = `insert into ${a.schema}.companies (organization_id, name) values ($1, 'x')`
    const other = await create('Other')
    await withClient(database().migratorUrl, async (client: Client) => {
      await client.query('begin')
      await client.query('savepoint before')
      expect(await sqlstateOf(client.query(insert, [other]))).toBe('23514')
      await client.query('rollback to before')
      await client.query(
        "select rowhouse.go_past_guard('protect', 'public.contacts', 'the test looks without the check')",
      )
      await client.query(`alter table ${a.schema}.companies drop constraint rowhouse_lives_here`)
      expect(await sqlstateOf(client.query(insert, [other]))).toBe('done')
      await client.query('rollback')
    })
  })

  it('is bound to another organization by registering and settling it again', async () => {
    const other = randomUUID()
    const { rows } = await withClient(database().migratorUrl, async (client) => {
      await client.query('begin')
      await client.query('select rowhouse.register_home($1, $2, $3)', [b.schema, b.login, other])
      await client.query('select rowhouse.settle_home($1)', [b.schema])
      const seen = await client.query(
        `select count(*)::int as checks from pg_constraint
         where conname = 'rowhouse_lives_here' and connamespace = $1::regnamespace and pg_get_constraintdef(oid) like $2`,
        [b.schema, `%${other}%`],
      )
      await client.query('rollback')
      return seen
    })
    expect(rows).toEqual([{ checks: 2 }])
  })

  it('stays settled: doing it again does nothing, and protecting again neither', async () => {
    const { rows } = await migrator('select rowhouse.settle_home($1) as done', [a.schema])
    expect(rows).toEqual([])
    const again = await migrator(`select rowhouse.protect('${a.schema}.contacts') as done`)
    expect(again.rows).toEqual([])
  })
})

describe('the guard', () => {
  it('refuses to let the login of another home in, and to take the check away', async () => {
    const loosen = (text: string) =>
      withClient(database().migratorUrl, (client) => sqlstateOf(client.query(`begin; ${text}; rollback`)))
    expect(await loosen(`grant select on ${a.schema}.contacts to ${b.login}`)).toBe('RH043')
    expect(await loosen(`grant select on ${a.schema}.names to ${b.login}`)).toBe('RH043')
    expect(await loosen(`alter table ${a.schema}.contacts drop constraint rowhouse_lives_here`)).toBe('RH041')
  })
})

describe('home_problems', () => {
  it.each([
    ['home_login_attribute', (home: TestHome) => `alter role ${home.login} bypassrls`],
    ['home_login_attribute', (home: TestHome) => `alter role ${home.login} createrole`],
    ['home_login_member', (home: TestHome) => `grant rowhouse_owner to ${home.login}`],
    ['home_login_member', (home: TestHome) => `grant ${home.login} to rowhouse_app`],
    ['home_login_elsewhere', (home: TestHome) => `grant select on public.contacts to ${home.login}`],
    ['home_login_elsewhere', (home: TestHome) => `grant select on ${b.schema}.contacts to ${home.login}`],
    ['home_login_elsewhere', (home: TestHome) => `create schema stray authorization ${home.login}`],
    ['home_open', (home: TestHome) => `grant usage on schema ${home.schema} to public`],
    ['home_open', (home: TestHome) => `grant select on ${home.schema}.names to rowhouse_app`],
    ['home_open', (home: TestHome) => `grant execute on function ${home.schema}.shout(text) to public`],
    ['home_open', (home: TestHome) => `grant create on schema ${home.schema} to ${home.login}`],
    ['home_closed', (home: TestHome) => `revoke usage on schema ${home.schema} from ${home.login}`],
    [
      'home_check_missing',
      (home: TestHome) => `alter table ${home.schema}.contacts drop constraint rowhouse_lives_here`,
    ],
    [
      'home_search_path',
      (home: TestHome) =>
        `do $$ begin execute format('alter role ${home.login} in database %I reset search_path', current_database()); end $$`,
    ],
    ['home_incomplete', (home: TestHome) => `drop schema ${home.schema} cascade`],
  ])('names %s', async (code, change) => {
    expect(await problemsAfter(a, change(a))).toContain(code)
  })
})

async function create(name: string): Promise<string> {
  return withClient(database().controlUrl, async (control) => {
    const { rows } = await control.query<{ id: string }>('select rowhouse.create_organization($1, $2, null) as id', [
      name,
      `${name.toLowerCase()}-${randomUUID().slice(0, 8)}`,
    ])
    return (rows[0] as { id: string }).id
  })
}

describe('what the login of a home learns of other homes in its database', () => {
  it('is that they are there, whose they are and how large, and no row of them', async () => {
    await migrator(`analyze ${b.schema}.contacts`)
    const seen = async (text: string): Promise<unknown> => (await asHome(a, text)).rows
    expect(await seen(`select nspname as name from pg_namespace where nspname = '${b.schema}'`)).toHaveLength(1)
    expect(await seen(`select rolname as name from pg_roles where rolname = '${b.login}'`)).toHaveLength(1)
    expect(
      await seen(`select pg_get_constraintdef(oid) as definition from pg_constraint
        where conname = 'rowhouse_lives_here' and conrelid = (
          select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = '${b.schema}' and c.relname = 'contacts')`),
    ).toEqual([{ definition: expect.stringContaining(b.organization) }])
    expect(
      await seen(`select reltuples >= 0 as counted from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = '${b.schema}' and c.relname = 'contacts'`),
    ).toEqual([{ counted: true }])
    expect(await seen(`select from pg_stats where schemaname = '${b.schema}'`)).toEqual([])
    expect(await sqlstateOf(asHome(a, `select from ${b.schema}.contacts`))).toBe('42501')
  })
})
