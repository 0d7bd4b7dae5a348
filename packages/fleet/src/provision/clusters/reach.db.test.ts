// Whoever speaks to a server beyond this process believes the same: a certificate that is valid, of an authority that is
// trusted, and that names the server. One list of certificates, tried on each way there is.
import { startHoldingProxy, startTlsProxy, useHomes } from '@rowhouse/testkit'
import type { TlsProxy } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openSession } from '../../rollout/apply/session.ts'
import { homeConnection } from '../../rollout/ledger/homes.ts'
import { withServer } from './add-cluster.ts'

const homes = useHomes('database')
const kinds = ['here', 'byName', 'other', 'expired', 'selfSigned'] as const
const proxies = new Map<(typeof kinds)[number], TlsProxy>()

beforeAll(async () => {
  for (const kind of kinds) proxies.set(kind, await startTlsProxy(homes().database.adminUrl, kind))
  await homes().changeCatalogue(
    `insert into rowhouse.clusters (id, region, host, tls) values ('near', 'near', '127.0.0.1', 'verify-full')`,
  )
  await homes().changeCatalogue(`update rowhouse.placements set cluster = 'near' where organization_id = $1`, [
    homes().a.organizationId,
  ])
})
afterAll(async () => {
  for (const proxy of proxies.values()) await proxy.close()
})

interface Server {
  readonly host: string
  readonly port: number
  readonly tlsCa: string | null
}

const migrates = ({ host, port, tlsCa }: Server) =>
  homeConnection(homes().database.migratorUrl, {
    databaseName: homes().a.home?.databaseName ?? null,
    server: { host, port, tls: 'verify-full', tlsCa },
  })

const ways: Readonly<Record<string, (server: Server) => Promise<unknown>>> = {
  'a rollout': async (server) => (await openSession(migrates(server), 'test')).end(),
  'the administrator': ({ host, port, tlsCa }) => {
    const url = new URL(homes().database.adminUrl)
    ;[url.hostname, url.port] = [host, String(port)]
    return withServer(url, { tls: 'verify-full', tlsCa }, 'postgres', (client) => client.query('select 1'))
  },
  'the copy of the catalogue': async ({ host, port, tlsCa }) => {
    await homes().changeCatalogue(
      `update rowhouse.clusters set host = $1, port = $2, tls_ca = $3, tls = 'verify-full' where id = 'near'`,
      [host, port, tlsCa],
    )
    await homes().carry(homes().a)
  },
}

const outcome = (work: Promise<unknown>): Promise<'speaks' | 'refuses'> =>
  work.then(
    () => 'speaks' as const,
    () => 'refuses' as const,
  )
const at = (kind: (typeof kinds)[number], host: string, isTrusted = true): Server => {
  const { port, authority } = proxies.get(kind) as TlsProxy
  return { host, port, tlsCa: isTrusted ? authority : null }
}

describe.each(Object.entries(ways))('%s', (_name, reach) => {
  it.each([
    ['here', '127.0.0.1', true, 'speaks'],
    ['here', 'localhost', true, 'speaks'],
    ['byName', 'localhost', true, 'speaks'],
    ['byName', '127.0.0.1', true, 'refuses'],
    ['other', '127.0.0.1', true, 'refuses'],
    ['other', 'localhost', true, 'refuses'],
    ['expired', 'localhost', true, 'refuses'],
    ['selfSigned', 'localhost', true, 'refuses'],
    ['here', 'localhost', false, 'refuses'],
  ] as const)('with the certificate %s at %s, its authority trusted: %s', async (kind, host, isTrusted, expected) => {
    expect(await outcome(reach(at(kind, host, isTrusted)))).toBe(expected)
  })
})

it('without the check, and with another name to check, it would speak to a server with any certificate', async () => {
  const speak = async (kind: (typeof kinds)[number], changes: object): Promise<void> => {
    const { ssl, ...server } = migrates(at(kind, '127.0.0.1'))
    const client = new Client({ ...server, ssl: { ...(ssl as object), ...changes } })
    await client.connect()
    await client.end()
  }
  for (const kind of kinds) expect(await outcome(speak(kind, { rejectUnauthorized: false }))).toBe('speaks')
  expect(await outcome(speak('byName', { host: 'localhost' }))).toBe('speaks')
  expect(await outcome(speak('byName', {}))).toBe('refuses')
})

it('a server that accepts a connection and answers nothing is not waited for without end', async () => {
  const proxy = await startHoldingProxy(homes().database.adminUrl)
  proxy.hold('answer', 'select 1')
  const asked = withServer(
    new URL(proxy.url),
    { tls: 'off', tlsCa: null },
    'postgres',
    (client) => client.query('select 1'),
    100,
  )
  await expect(asked).rejects.toThrow('timeout')
  await proxy.close()
})
