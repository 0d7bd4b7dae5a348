// A schema or a database for each organization, on anybody's Postgres: what keeps the homes apart is who may enter them, so
// the login of one is tried in the other's.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterEach, describe, expect, it } from 'vitest'

import type { VerifyDatabaseOptions } from '../verify-database.ts'
import { verifyDatabase } from '../verify-database.ts'

const database = useTestDatabase()
const databases: string[] = []
const roles: string[] = []

const urlOf = (name: string): string => Object.assign(new URL(database().adminUrl), { pathname: `/${name}` }).href
const onServer = (statement: string): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(statement))

afterEach(async () => {
  for (const name of databases.splice(0)) await onServer(`drop database if exists ${name} with (force)`)
  for (const name of roles.splice(0)) await onServer(`drop owned by ${name}; drop role ${name}`)
})

/** `{a}` and `{b}` are logins of two organizations, `{app}` one of all of them. */
async function make(name: string, schema: string): Promise<string> {
  const unique = `${database().name}_${name}`
  databases.push(unique)
  await onServer(`create database ${unique}; `)
  await onServer(`revoke temporary on database ${unique} from public`)
  for (const login of ['a', 'b', 'app'] as const) {
    const role = roleOf(login)
    if (roles.includes(role)) continue
    roles.push(role)
    await onServer(`create role ${role} login${login === 'app' ? ' noinherit' : ''}`)
  }
  await withClient(urlOf(unique), (admin) => admin.query(put(schema)))
  return unique
}
// A login of Rowhouse's own begins otherwise.
const roleOf = (login: string): string => `home_of_${database().name.replace('rowhouse_test_', '')}_${login}`
const put = (sql: string): string => sql.replaceAll(/\{(a|b|app)\}/g, (_, login: string) => roleOf(login))

const TABLES = (schema: string): string => `create schema ${schema};
  create table ${schema}.projects (id uuid primary key, name text not null unique);
  create table ${schema}.tasks (id uuid primary key, project_id uuid references ${schema}.projects on delete cascade, title text);`
const GIVE = (schema: string, login: string): string =>
  `grant usage on schema ${schema} to ${login}; grant select, insert, update, delete on all tables in schema ${schema} to ${login};`
const HOMES = `${TABLES('home_alder')} ${TABLES('home_birch')}`

async function attack(name: string, options: VerifyDatabaseOptions = {}) {
  const report = await verifyDatabase(urlOf(name), {
    attack: { shrinksMax: 5, statementTimeoutMs: 5_000, clone: { scratch: 'same-server' } },
    ...options,
  })
  const found = report.findings
    .filter(({ source, code }) => source === 'attack' && code !== 'shared_session_function')
    .map(
      ({ code, object }) => `${code}: ${object.replaceAll(new RegExp(`${database().name}_|${roleOf('')}`, 'g'), '')}`,
    )
  return { report, found }
}

describe('a schema for each organization', () => {
  it('is apart where each has a login that reaches its own alone, and the login acts without a context', async () => {
    const name = await make('logins', `${HOMES} ${GIVE('home_alder', '{a}')} ${GIVE('home_birch', '{b}')}`)
    const { report, found } = await attack(name)
    expect([found, report.undecided]).toEqual([[], []])
    expect(report.attack?.cells).toBeGreaterThan(100)
  })

  it.each([
    [
      'a privilege on a table',
      'grant usage on schema home_birch to {a}; grant select on home_birch.projects to {a}',
      'rows_of_another_organization_seen: table home_birch.projects',
    ],
    [
      'a view',
      'create view home_alder.every_task as select * from home_birch.tasks; grant select on home_alder.every_task to {a}',
      'rows_of_another_organization_seen: view home_alder.every_task',
    ],
    [
      'a function of its owner',
      `create function home_alder.find(wanted text) returns setof text language plpgsql security definer as
       $$ begin return query execute format('select name from %s.projects', wanted); end $$`,
      'function_shows_another_organization: function home_alder.find(text)',
    ],
    ['a membership', 'grant {b} to {a}', 'rows_of_another_organization_seen: table home_birch.projects'],
  ])('is reached by %s', async (_, hole, finding) => {
    const name = await make('hole', `${HOMES} ${GIVE('home_alder', '{a}')} ${GIVE('home_birch', '{b}')} ${hole}`)
    expect((await attack(name)).found).toContain(finding)
  })

  it('is open to one login for all of them, whatever the search_path says', async () => {
    const name = await make('path', `${HOMES} ${GIVE('home_alder', '{app}')} ${GIVE('home_birch', '{app}')}`)
    expect((await attack(name)).found).toContain('rows_of_another_organization_seen: table home_birch.projects')
  })

  it('is apart behind roles that a login takes, until SQL takes the other one', async () => {
    const name = await make(
      'taken',
      `${HOMES} ${GIVE('home_alder', '{a}')} ${GIVE('home_birch', '{b}')} grant {a}, {b} to {app}; alter role {a} nologin; alter role {b} nologin`,
    )
    const { found } = await attack(name)
    expect(found).toContain('context_is_a_setting: context role a as app')
    expect(found.filter((line) => line.startsWith('rows_of_another_organization'))).toEqual([])
  })

  it('is attacked in two of its homes, and the others are named', async () => {
    const more = ['home_cedar', 'home_dogwood'].map(TABLES).join('\n')
    const name = await make(
      'many',
      `${HOMES} ${more} create view public.of_cedar as select * from home_cedar.tasks;
       ${GIVE('home_alder', '{a}')} ${GIVE('home_birch', '{b}')}`,
    )
    const { report, found } = await attack(name)
    expect(found).toEqual([])
    expect(report.attack?.notCovered).toContainEqual({
      object: 'schema home_cedar and 1 more',
      probe: 'all',
      reason: 'a home like home_alder, which is attacked in its stead',
    })
    expect(report.attack?.notCovered.find(({ object }) => object === 'view public.of_cedar')?.reason).toContain(
      'needs table home_cedar.tasks',
    )
  })
})

describe('a database for each organization', () => {
  const ONE = TABLES('crm')
  const between = async (privileges: { readonly one: string; readonly two: string }) => {
    const two = await make('two', `${ONE} ${privileges.two}`)
    const one = await make('one', `${ONE} ${privileges.one}`)
    await onServer(put(`revoke connect on database ${one} from public; grant connect on database ${one} to {a}`))
    return { one, two, options: { tenantDatabases: [one, two] } }
  }

  it('is apart where nobody else may connect', async () => {
    const { one, two, options } = await between({ one: GIVE('crm', '{a}'), two: GIVE('crm', '{b}') })
    await onServer(put(`revoke connect on database ${two} from public; grant connect on database ${two} to {b}`))
    const { report, found } = await attack(one, options)
    expect([found, report.undecided]).toEqual([[], []])
  })

  it('is entered where PUBLIC may connect, and reached where it may read', async () => {
    const { one, two, options } = await between({ one: GIVE('crm', '{a}'), two: GIVE('crm', '{b}') })
    expect((await attack(one, options)).found).toEqual([
      `database_of_another_organization_entered: role a in database two`,
    ])
    await withClient(urlOf(two), (admin) => admin.query(GIVE('crm', 'public')))
    const { report, found } = await attack(one, options)
    expect(found).toEqual(['database_of_another_organization_reached: role a in database two'])
    const finding = report.findings.find(({ code }) => code === 'database_of_another_organization_reached')
    expect(finding?.message).toContain('table crm.projects')
    expect(finding?.evidence).toMatch(/^begin;[^]*rollback;/)
  }, 240_000)

  it('is undecided where the other one cannot be copied', async () => {
    const { one, two, options } = await between({ one: GIVE('crm', '{a}'), two: GIVE('crm', '{b}') })
    await onServer(`alter database ${two} with allow_connections false`)
    const { report } = await attack(one, options)
    expect(report.undecided.join('\n')).toContain(`reach ${two} is not known`)
    await onServer(`alter database ${two} with allow_connections true`)
  })

  it('refuses to be told of one that is not there', async () => {
    const name = await make('alone', ONE)
    await expect(verifyDatabase(urlOf(name), { tenantDatabases: ['nowhere'] })).rejects.toMatchObject({
      code: 'invalid_option',
    })
  })
})
