// A catalogue on a server that speaks TLS alone, with a certificate of an authority of its own: whatever opens a connection,
// first or later, believes that authority and no other. Each way is tried with the right one and with a wrong one.
import { keepDatabases, openFleet } from '@rowhouse/fleet'
import type { Fleet } from '@rowhouse/fleet'
import { install, loginUrl } from '@rowhouse/database'
import { startServer } from '@rowhouse/server'
import { startTlsPostgres, withClient } from '@rowhouse/testkit'
import type { TlsPostgres } from '@rowhouse/testkit'
import { createRowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { examine } from './commands/doctor.ts'
import { inEveryDatabase } from './every-database.ts'

const signingKey = 'signing-key-of-the-tests-0123456789-abcdef'
const encryptionKey = 'encryption-key-of-the-tests-0123456789'
let postgres: TlsPostgres
const opened: { close(): Promise<void> }[] = []
const organizations: Record<string, string> = {}

const catalogue = (authorityFile: string): string => {
  const url = new URL(postgres.adminUrl)
  url.pathname = '/catalogue'
  url.search = `?sslmode=verify-full&sslrootcert=${authorityFile}`
  return url.href
}
const fleetAt = (url: string): Fleet => {
  const fleet = openFleet({ catalogueUrl: url, signingKey, encryptionKey })
  opened.push(fleet)
  return fleet
}
const asApp = async (url: string, organizationId: string | null): Promise<void> => {
  const rowhouse = createRowhouse({ url: loginUrl(url, 'rowhouse_app', signingKey), signingKey })
  try {
    await rowhouse.connect()
    if (organizationId !== null) await rowhouse.as({ organizationId, service: 'test' }).query('select 1')
  } finally {
    await rowhouse.close()
  }
}
const outcome = (work: () => Promise<unknown>): Promise<string> =>
  work().then(
    () => 'speaks',
    () => 'refuses',
  )

beforeAll(async () => {
  postgres = await startTlsPostgres()
  const server = Object.assign(new URL(catalogue(postgres.authorityFile)), { pathname: '/postgres' })
  await withClient(server.href, (admin) => admin.query('create database catalogue'))
  await install({ adminUrl: catalogue(postgres.authorityFile), signingKey })
  const fleet = fleetAt(catalogue(postgres.authorityFile))
  await withClient(catalogue(postgres.authorityFile), (client) =>
    client.query(
      `insert into rowhouse.plans (id, name, isolation) values ('schema', 'Schema', 'schema'), ('database', 'Database', 'database')`,
    ),
  )
  for (const plan of ['schema', 'database']) {
    organizations[plan] = await fleet.createOrganization({ name: plan, slug: plan, ownerId: null, plan })
  }
}, 120_000)
afterAll(async () => {
  for (const each of opened) await each.close()
  await postgres?.stop()
})

const ways: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
  'the installer': (url) => install({ adminUrl: url, signingKey }),
  'the runtime': (url) => asApp(url, null),
  'the fleet': (url) => fleetAt(url).clusters.list(),
  'the doctor': (url) => examine(url, signingKey),
  'the server': async (url) => {
    const server = await startServer(
      {
        url,
        signingKey,
        encryptionKey,
        operatorKey: 'operator-key-of-the-tests-0123456789',
        port: 0,
        host: '127.0.0.1',
        publicUrl: null,
        issuer: null,
        trustedProxies: [],
      },
      { log: () => undefined },
    )
    await server.stop()
  },
  'commands that go through every database': async (url) => {
    const kept = { ...process.env }
    Object.assign(process.env, { ROWHOUSE_URL: url, ROWHOUSE_SIGNING_KEY: signingKey })
    try {
      const { unreachable } = await inEveryDatabase(undefined, async (client, ids) => {
        await client.query('select 1')
        return ids.map((organizationId) => ({ organizationId }))
      })
      if (unreachable.length > 0) throw new Error('unreachable')
    } finally {
      process.env = kept
    }
  },
  'the keeper of databases': (url) =>
    withClient(catalogue(postgres.authorityFile), async (client) => {
      await client.query('update rowhouse.data_databases set due_at = now()')
      const errors: unknown[] = []
      const keeper = keepDatabases({
        catalogue: { query: (text, values) => client.query(text, values) },
        catalogueUrl: url,
        signingKey,
        everyMs: 50,
        onError: (_where, error) => errors.push(error),
      })
      await vi.waitFor(() => expect(keeper.counts.databases).toBeGreaterThan(0), { timeout: 60_000 })
      await keeper.stop()
      expect(errors).toEqual([])
    }),
}

describe.each(Object.entries(ways))('%s', (_name, way) => {
  it('believes the authority that the URL names, and no other', async () => {
    expect(await outcome(() => way(catalogue(postgres.authorityFile)))).toBe('speaks')
    expect(await outcome(() => way(catalogue(postgres.strangerFile)))).toBe('refuses')
  })
})

it.each(['schema', 'database'])('an organization in a %s of that server is reached encrypted as well', async (plan) => {
  expect(await outcome(() => asApp(catalogue(postgres.authorityFile), organizations[plan] ?? ''))).toBe('speaks')
})

describe('the cluster main with an administrator and an authority of its own', () => {
  /** Every connection that work on homes opens: each login, kept and not, and the check. */
  const work: Readonly<Record<string, (fleet: Fleet) => Promise<unknown>>> = {
    'the administrator, kept': async ({ context, clusters }) =>
      context.servers.asAdmin(await clusters.get('main'), null, (client) => client.query('select 1')),
    'the administrator, for once': async ({ context, clusters }) =>
      context.servers.asAdmin(await clusters.get('main'), 'postgres', (client) => client.query('select 1'), {
        keep: false,
      }),
    'who migrates': async ({ context, clusters }) =>
      context.servers.asMigrator(await clusters.get('main'), null, (client) => client.query('select 1')),
    'a schema home': (fleet) => fleet.createHome({ cluster: 'main', isolation: 'schema' }),
    'a database home': (fleet) => fleet.createHome({ cluster: 'main', isolation: 'database' }),
    'the check': async (fleet) => {
      const { checkError } = await fleet.clusters.check('main')
      if (checkError !== null) throw new Error(checkError)
    },
  }
  const register = (tlsCa: string): Promise<unknown> => {
    const url = new URL(postgres.adminUrl)
    url.search = '?sslmode=verify-full'
    return fleetAt(catalogue(postgres.authorityFile)).clusters.set('main', { url: url.href, tlsCa })
  }

  it('is looked at before it is registered', async () => {
    await expect(register(postgres.stranger)).rejects.toMatchObject({ code: 'database_unreachable' })
    await expect(register('no certificate')).rejects.toMatchObject({ code: 'invalid_option' })
    const { clusters } = fleetAt(catalogue(postgres.authorityFile))
    await expect(clusters.set('main', { tlsCa: postgres.authority })).rejects.toMatchObject({ code: 'invalid_option' })
    await register(postgres.authority)
  })

  it.each(Object.entries(work))('holds %s to the authority that was registered', async (_name, act) => {
    const url = catalogue(postgres.authorityFile)
    const setAuthority = (pem: string) =>
      withClient(url, (client) => client.query(`update rowhouse.clusters set tls_ca = $1 where id = 'main'`, [pem]))
    const fleet = fleetAt(url)
    expect(await outcome(() => act(fleet))).toBe('speaks')
    await setAuthority(postgres.stranger)
    try {
      // Also one that has connections from before.
      expect(await outcome(() => act(fleet))).toBe('refuses')
      expect(await outcome(() => act(fleetAt(url)))).toBe('refuses')
    } finally {
      await setAuthority(postgres.authority)
    }
  })
})
