// Homes in both models, as a server has them afterwards.
import { sqlstateOf, startHoldingProxy, withClient } from '@rowhouse/testkit'
import { loginUrl } from '@rowhouse/database'
import { describe, expect, it } from 'vitest'

import type { Home } from './home.ts'
import { useFleet } from './test-fleet.ts'
import { TEST_VERSION } from './test-migrations.ts'
import { homeProblems } from './verify-home.ts'

const test = useFleet()

const urlOf = (home: Home): string => {
  const url = new URL(test().database.adminUrl)
  if (home.databaseName !== null) url.pathname = `/${home.databaseName}`
  return url.href
}
const asHome = (home: Home, text: string) =>
  withClient(loginUrl(urlOf(home), home.login, test().database.signingKey), (client) => client.query(text))

describe.each(['schema', 'database'] as const)('a %s home', (isolation) => {
  it('is a spare with all tables, at the newest version, held to one organization, without a finding', async () => {
    const home = await test().fleet.createHome({ cluster: 'main', isolation })
    expect(home).toMatchObject({ state: 'spare', step: 'verified', version: TEST_VERSION, organizationId: null })
    expect(await homeProblems(test().fleet.context, home)).toEqual([])
    const findings = await withClient(urlOf(home), (client) => client.query('select * from rowhouse.findings()'))
    expect(findings.rows).toEqual([])
    expect(await sqlstateOf(asHome(home, 'select from contacts, companies'))).toBe('done')
    expect(await test().leftovers()).toEqual([])
  })

  it('lets its login do nothing but that', async () => {
    const home = await test().fleet.createHome({ cluster: 'main', isolation })
    for (const statement of [
      'create table mine (id int)',
      'create temp table mine (id int)',
      'create schema mine',
      'set role rowhouse_owner',
      'set role rowhouse_tenant; create table public.mine (id int)',
      "select rowhouse.enter('x')",
      'alter table contacts disable row level security',
      'truncate contacts',
      'select pg_advisory_lock(1)',
      'select lo_create(0)',
      'select * from rowhouse.keys',
    ]) {
      expect([statement, await sqlstateOf(asHome(home, statement))]).toEqual([statement, '42501'])
    }
  })
})

it('a database home admits nobody else: not PUBLIC, not rowhouse_app, not the login of another home', async () => {
  const { fleet, database, admin } = test()
  const [one, two] = [
    await fleet.createHome({ cluster: 'main', isolation: 'database' }),
    await fleet.createHome({ cluster: 'main', isolation: 'database' }),
  ]
  const enter = (login: Home['login'] | 'rowhouse_app') =>
    sqlstateOf(withClient(loginUrl(urlOf(one), login, database.signingKey), (client) => client.query('select 1')))
  expect(await enter(one.login)).toBe('done')
  expect(await enter(two.login)).toBe('42501')
  expect(await enter('rowhouse_app')).toBe('42501')
  const acl = await admin(
    `select coalesce(grantee::regrole::text, '') as grantee, privilege_type as privilege
     from pg_database d, aclexplode(d.datacl)
     where datname = $1 and grantee <> d.datdba order by 1, 2`,
    [one.databaseName],
  )
  expect(acl.map(({ grantee, privilege }) => `${String(grantee)} ${String(privilege)}`)).toEqual([
    'rowhouse_control CONNECT',
    `${one.login} CONNECT`,
    'rowhouse_migrator CONNECT',
    'rowhouse_migrator TEMPORARY',
    'rowhouse_owner CREATE',
  ])
})

it('a database home admits nobody while PUBLIC still may connect to it: a session that came then would stay', async () => {
  const { fleet, open, database, admin } = test()
  const stranger = await fleet.createHome({ cluster: 'main', isolation: 'database' })
  const proxy = await startHoldingProxy(database.adminUrl)
  const slow = open({ catalogueUrl: proxy.url })
  try {
    const revoke = proxy.hold('request', 'revoke all on database')
    const making = slow.createHome({ cluster: 'main', isolation: 'database' })
    await revoke.isHeld
    const [made] = await admin("select database_name as name from rowhouse.homes where state = 'building'")
    const name = String(made?.['name'])
    const [acl] = await admin("select has_database_privilege($1, $2, 'connect') as may", [stranger.login, name])
    expect(acl).toEqual({ may: true })
    const url = new URL(loginUrl(database.adminUrl, stranger.login, database.signingKey))
    url.pathname = `/${name}`
    const come = () => sqlstateOf(withClient(url.href, (client) => client.query('select 1')))
    expect(await come()).toBe('55000')
    // It would, if only the privilege kept it out.
    await admin(`alter database ${name} allow_connections true`)
    expect(await come()).toBe('done')
    revoke.release()
    await making
    expect(await come()).toBe('42501')
  } finally {
    await slow.close()
    await proxy.close()
  }
})

it('each database has an identity and keys of its own, and none of the template’s or of each other', async () => {
  const { fleet, database } = test()
  const ids = new Set([database.databaseId])
  const keys = new Set<string>()
  for (let count = 0; count < 2; count += 1) {
    const home = await fleet.createHome({ cluster: 'main', isolation: 'database' })
    const { rows } = await withClient(urlOf(home), (client) =>
      client.query<{ id: string; name: string; seal: string; key: string }>(
        `select d.id, d.name, encode(d.seal_inner_pad, 'hex') as seal, encode(k.inner_pad, 'hex') as key
         from rowhouse.database d, rowhouse.keys k`,
      ),
    )
    expect(rows).toHaveLength(1)
    const [row] = rows
    expect(row?.name).toBe(home.databaseName)
    ids.add(row?.id ?? '')
    keys.add(row?.seal ?? '').add(row?.key ?? '')
  }
  expect(ids.size).toBe(3)
  expect(keys.size).toBe(4)
})

it('a home that is not as it must be is broken, says why, and nobody gets it', async () => {
  const { fleet, open, admin } = test()
  const spoiled = open({
    beforeStep: async (home, step) => {
      if (step === 'verified') await admin(`grant usage on schema ${home.schemaName} to public`)
    },
  })
  const failure = await spoiled.createHome({ cluster: 'main', isolation: 'schema' }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'home_unsafe' })
  const { home } = (failure as { details: { home: string } }).details
  const [row] = await admin('select state, error from rowhouse.homes where id = $1', [home])
  expect(row).toMatchObject({ state: 'broken', error: expect.stringContaining('home_unsafe: ') })
  await fleet.dropHome(home)
  expect(await test().leftovers()).toEqual([])
})
