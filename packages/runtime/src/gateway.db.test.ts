// Who is let in, and how it is said when somebody is not: logins, versions, keys, clocks.
import { randomBytes } from 'node:crypto'

import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterEach, beforeAll, expect, test } from 'vitest'

import { createRowhouse } from './index.ts'
import type { Organization, Rowhouse, RowhouseOptions } from './index.ts'

const database = useTestDatabase()
const opened: Rowhouse[] = []
let worlds: TwoWorlds

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})
afterEach(async () => {
  for (const rowhouse of opened.splice(0)) await rowhouse.close()
})

function acme(options: RowhouseOptions = {}): Organization {
  const rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey, ...options })
  opened.push(rowhouse)
  return rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
}

const changed = (url: string, change: (url: URL) => void): string => {
  const copy = new URL(url)
  change(copy)
  return copy.href
}

test('logins that could look past row-level security are refused', async () => {
  for (const url of [database().adminUrl, database().migratorUrl]) {
    await expect(acme({ url }).query('select 1')).rejects.toMatchObject({
      code: 'login_bypasses_rls',
      hint: expect.stringContaining('rowhouse_app') as string,
    })
  }
})

test('a path by membership is a bypass too, even one that is not inherited', async () => {
  const role = `rowhouse_path_${randomBytes(4).toString('hex')}`
  await withClient(database().adminUrl, async (admin) => {
    await admin.query(`create role ${role} login noinherit password 'secret' in role rowhouse_app, rowhouse_owner`)
  })
  try {
    const url = changed(database().adminUrl, (copy) => {
      copy.username = role
      copy.password = 'secret'
    })
    await withClient(database().adminUrl, (admin) => admin.query(`grant usage on schema rowhouse to ${role}`))
    await withClient(database().adminUrl, (admin) =>
      admin.query(`grant execute on function rowhouse.handshake() to ${role}`),
    )
    await expect(acme({ url }).query('select 1')).rejects.toMatchObject({
      code: 'login_bypasses_rls',
      details: { login: role },
    })
  } finally {
    await withClient(database().adminUrl, async (admin) => {
      await admin.query(`drop owned by ${role}`)
      await admin.query(`drop role ${role}`)
    })
  }
})

test('a database without Rowhouse, one that is not there, a wrong password, nobody listening', async () => {
  const url = database().appUrl
  const bare = `bare_${randomBytes(4).toString('hex')}`
  await withClient(database().adminUrl, (admin) => admin.query(`create database ${bare}`))
  try {
    const refusals = [
      [changed(url, (copy) => (copy.pathname = `/${bare}`)), 'not_installed'],
      [changed(url, (copy) => (copy.pathname = '/nowhere')), 'database_unreachable'],
      [changed(url, (copy) => (copy.password = 'wrong')), 'database_login_refused'],
      [changed(url, (copy) => (copy.port = '1')), 'database_unreachable'],
    ] as const
    for (const [wrong, code] of refusals) {
      const error = await acme({ url: wrong })
        .query('select 1')
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code })
      expect(JSON.stringify(error)).not.toContain(new URL(url).password)
    }
  } finally {
    await withClient(database().adminUrl, (admin) => admin.query(`drop database ${bare} with (force)`))
  }
})

test('another signing key is told apart from a bad token', async () => {
  await expect(acme({ signingKey: 'x'.repeat(40) }).query('select 1')).rejects.toMatchObject({ code: 'token_invalid' })
})

test('a newer schema works with the runtimes that it names, and no others', async () => {
  const setVersion = (change: string): Promise<unknown> =>
    withClient(database().adminUrl, (admin) => admin.query(change))
  const handshake = await withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ text: string }>(
      `select pg_get_functiondef('rowhouse.handshake()'::regprocedure) as text`,
    )
    return rows[0]?.text ?? ''
  })
  await setVersion(
    `insert into rowhouse.migrations select (jsonb_populate_record(m, '{"version": 999999}')).* from rowhouse.migrations m limit 1`,
  )
  // Somebody upgraded the database while this runtime runs.
  await expect(acme().query('select 1')).resolves.toMatchObject({ rowCount: 1 })
  expect(handshake).toMatch(/\n {4}\d+,\n/)
  await setVersion(handshake.replace(/\n {4}\d+,\n/, '\n    999999,\n'))
  await expect(acme().query('select 1')).rejects.toMatchObject({
    code: 'schema_newer',
    details: { installed: 999_999, oldestRuntime: 999_999 },
  })
  await setVersion(handshake)
  await setVersion('delete from rowhouse.migrations where version = 999999')
  await setVersion('update rowhouse.migrations set version = -version where version > 700')
  await expect(acme().query('select 1')).rejects.toMatchObject({ code: 'schema_outdated' })
  await setVersion('update rowhouse.migrations set version = -version where version < 0')
  await expect(acme().query('select 1')).resolves.toMatchObject({ rowCount: 1 })
})

test('a clock that is a little off works, one beyond the leeway is named with its offset', async () => {
  await expect(acme({ now: () => Date.now() - 20_000 }).query('select 1')).resolves.toMatchObject({ rowCount: 1 })
  await expect(acme({ now: () => Date.now() + 20_000 }).query('select 1')).resolves.toMatchObject({ rowCount: 1 })
  await expect(acme({ now: () => Date.now() - 600_000 }).query('select 1')).rejects.toMatchObject({
    code: 'clock_skew',
    message: expect.stringMatching(/^The clock of this machine is (599|600)[.\d]* s behind/) as string,
  })
})

test.each([-120_000, 120_000])('connect() refuses a clock that is %i ms off', async (offMs) => {
  const rowhouse = createRowhouse({
    url: database().appUrl,
    signingKey: database().signingKey,
    now: () => Date.now() + offMs,
  })
  opened.push(rowhouse)
  await expect(rowhouse.connect()).rejects.toMatchObject({ code: 'clock_skew' })
})

test.each([-90_000, 25_000])(
  'a clock that is set by %i ms afterwards is noticed, and cured without an error',
  async (jumpMs) => {
    let jumpedMs = 0
    const now = (): number => Date.now() + jumpedMs
    const organization = acme({ now, pool: { max: 1 } })
    await organization.query('select 1')
    // Within the leeway for the handshake that follows, beyond it for tokens made with the old offset.
    jumpedMs = Math.sign(jumpMs) * Math.min(Math.abs(jumpMs), 29_000)
    await expect(organization.query('select 1')).resolves.toMatchObject({ rowCount: 1 })
    await expect(organization.transaction((tx) => tx.query('select 1'))).resolves.toMatchObject({ rowCount: 1 })
  },
)

test('it connects on first use, not before, and close may be called twice', async () => {
  const rowhouse = createRowhouse({
    url: changed(database().appUrl, (copy) => (copy.port = '1')),
    signingKey: database().signingKey,
  })
  expect(rowhouse.connections).toEqual({ idle: 0, busy: 0, opening: 0, waiting: 0 })
  await rowhouse.close()
  await rowhouse.close()
  await expect(
    rowhouse.as({ organizationId: worlds.a.organizationId, service: 'x' }).query('select 1'),
  ).rejects.toMatchObject({ code: 'closed' })
})
