// Clusters, plans and placements over HTTP, and the worker that keeps warm homes.
import { randomUUID } from 'node:crypto'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer

const admin = async <Row extends object = Record<string, unknown>>(
  text: string,
  values: unknown[] = [],
): Promise<Row[]> => withClient(database().adminUrl, async (client) => (await client.query<Row>(text, values)).rows)
const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
  server.call(method, path, { bearer: operatorKey, ...(body !== undefined && { body }) })
const slug = (): string => `acme-${randomUUID().slice(0, 8)}`

beforeAll(async () => {
  server = await startTestServer(database())
})
afterAll(async () => {
  await server?.stop()
  for (const { login, name } of await admin<{ login: string; name: string | null }>(
    'select login, database_name as name from rowhouse.homes where login is not null',
  )) {
    if (name !== null) await admin(`drop database if exists ${name} with (force)`)
    await admin(`drop owned by ${login} cascade`)
    await admin(`drop role ${login}`)
  }
})

describe('plans', () => {
  it('are made, changed in what is named, and listed', async () => {
    const made = await call('PUT', '/v1/plans/enterprise', {
      name: 'Enterprise',
      isolation: 'schema',
      statementTimeoutMs: 5000,
    })
    expect(made.body).toMatchObject({ id: 'enterprise', isolation: 'schema', statementTimeoutMs: 5000, region: null })
    const changed = await call('PUT', '/v1/plans/enterprise', { loginConnectionsMax: 4, statementTimeoutMs: null })
    expect(changed.body).toMatchObject({
      name: 'Enterprise',
      isolation: 'schema',
      loginConnectionsMax: 4,
      statementTimeoutMs: null,
    })
    const { body } = await call('GET', '/v1/plans')
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(['enterprise', 'standard'])
  })

  it('refuse a cluster that is not there and an isolation that is none', async () => {
    expect((await call('PUT', '/v1/plans/odd', { cluster: 'nowhere' })).body.code).toBe('cluster_unknown')
    expect((await call('PUT', '/v1/plans/odd', { isolation: 'galaxy' })).body.code).toBe('validation_failed')
    expect((await call('GET', '/v1/plans')).body.items).toHaveLength(2)
  })
})

describe('an organization', () => {
  it('gets the home of its plan, hybrid in one product, and shows where it lives', async () => {
    const shared = await call('POST', '/v1/organizations', { name: 'Small', slug: slug() })
    const own = await call('POST', '/v1/organizations', { name: 'Big', slug: slug(), plan: 'enterprise' })
    expect([shared.body.isolation, own.body.isolation]).toEqual(['shared', 'schema'])
    const { body } = await call('GET', `/v1/organizations/${own.body.id}/placement`)
    expect(body).toMatchObject({ cluster: 'main', region: 'default', state: 'active', wanted: null })
    expect(body.schemaName).toMatch(/^h_[0-9a-f]{16}$/)
    const [role] = await admin('select rolconnlimit from pg_roles where rolname = $1', [body.login])
    expect(role).toEqual({ rolconnlimit: 4 })
  })

  it('that gets another plan has what it wants noted beside what it has', async () => {
    const { body: made } = await call('POST', '/v1/organizations', { name: 'Grows', slug: slug() })
    const upgraded = await call('PUT', `/v1/organizations/${made.id}/plan`, { plan: 'enterprise' })
    expect(upgraded.body).toMatchObject({ isolation: 'shared', wanted: { isolation: 'schema', cluster: null } })
    const shown = async (): Promise<unknown> => {
      const { body } = await call('GET', `/v1/organizations/${made.id}`)
      return { isolation: body.isolation, wantedIsolation: body.wantedIsolation }
    }
    expect(await shown()).toEqual({ isolation: 'shared', wantedIsolation: 'schema' })
    const wanting = await call('GET', '/v1/placements?wanted=true')
    expect(wanting.body.items.map((item: { organizationId: string }) => item.organizationId)).toEqual([made.id])
    const back = await call('PUT', `/v1/organizations/${made.id}/plan`, { plan: 'standard' })
    expect(back.body.wanted).toBeNull()
    expect(await shown()).toEqual({ isolation: 'shared', wantedIsolation: null })
    expect((await call('PUT', `/v1/organizations/${made.id}/plan`, { plan: 'none' })).body.code).toBe('plan_unknown')
  })

  it('has limits of its own before those of its plan, at its login as well, and gives way to the plan again', async () => {
    const { body: made } = await call('POST', '/v1/organizations', { name: 'Busy', slug: slug(), plan: 'enterprise' })
    const path = `/v1/organizations/${made.id}/limits`
    const mostOf = async (): Promise<unknown> => {
      const [role] = await admin(
        `select r.rolconnlimit as most from pg_roles r join rowhouse.homes h on h.login = r.rolname
         where h.organization_id = $1`,
        [made.id],
      )
      return role?.['most']
    }
    const set = await call('PUT', path, { concurrencyMax: 3, loginConnectionsMax: 9 })
    expect(set.body).toMatchObject({
      own: { concurrencyMax: 3, loginConnectionsMax: 9, acquireTimeoutMs: null },
      effective: { concurrencyMax: 3, loginConnectionsMax: 9 },
    })
    expect(await mostOf()).toBe(9)
    // What is not named stays.
    const back = await call('PUT', path, { loginConnectionsMax: null })
    expect(back.body).toMatchObject({ own: { concurrencyMax: 3 }, effective: { loginConnectionsMax: 4 } })
    expect([await mostOf(), (await call('GET', path)).body]).toEqual([4, back.body])
    await call('PUT', '/v1/plans/enterprise', { loginConnectionsMax: 6 })
    expect(await mostOf()).toBe(6)
    await call('PUT', '/v1/plans/enterprise', { loginConnectionsMax: 4 })
    expect((await call('PUT', path, { concurrencyMax: 0 })).body.code).toBe('validation_failed')
    expect((await call('GET', `/v1/organizations/${randomUUID()}/limits`)).body.code).toBe('organization_not_found')
  })

  it('on a server that was made for it wants nothing of the cluster that made it', async () => {
    const { body: made } = await call('POST', '/v1/organizations', { name: 'Apart', slug: slug() })
    await admin(
      `insert into rowhouse.clusters (id, driver, host, tls, status) values ('maker', 'embedded', '127.0.0.1', 'off', 'draining')`,
    )
    await admin(
      `insert into rowhouse.clusters (id, parent, host, tls, status) values ('maker-1', 'maker', '127.0.0.1', 'off', 'draining')`,
    )
    await admin(`update rowhouse.placements set cluster = 'maker-1' where organization_id = $1`, [made.id])
    await call('PUT', '/v1/plans/made', { cluster: 'maker' })
    const { body } = await call('PUT', `/v1/organizations/${made.id}/plan`, { plan: 'made' })
    expect(body).toMatchObject({ cluster: 'maker-1', wanted: null })
    await call('PUT', '/v1/plans/made', { cluster: 'main' })
    const moved = await call('GET', `/v1/organizations/${made.id}/placement`)
    expect(moved.body.wanted).toEqual({ isolation: null, cluster: 'main' })
    await admin('delete from rowhouse.organizations where id = $1', [made.id])
    await admin(
      `update rowhouse.plans set cluster = null where id = 'made'; delete from rowhouse.clusters where parent = 'maker'; delete from rowhouse.clusters where id = 'maker'`,
    )
  })

  it('whose plan no cluster serves is refused and leaves nothing', async () => {
    await call('PUT', '/v1/plans/martian', { isolation: 'schema', region: 'mars' })
    const name = slug()
    const { status, body } = await call('POST', '/v1/organizations', { name: 'Far', slug: name, plan: 'martian' })
    expect([status, body.code]).toEqual([422, 'cluster_missing'])
    expect(await admin('select from rowhouse.organizations where slug = $1', [name])).toEqual([])
  })
})

describe('clusters', () => {
  it('are listed without their URLs, changed and checked', async () => {
    const { body } = await call('GET', '/v1/clusters')
    expect(body.items).toHaveLength(1)
    expect(JSON.stringify(body)).not.toMatch(/postgres:\/\/|sealed/i)
    const changed = await call('PATCH', '/v1/clusters/main', { spareSchemas: 1, schemasMax: 50 })
    expect(changed.body).toMatchObject({ spareSchemas: 1, schemasMax: 50, spareDatabases: 0 })
    const checked = await call('POST', '/v1/clusters/main/check')
    expect(checked.body).toMatchObject({ status: 'active', checkError: null, checkedAt: expect.any(String) })
    expect((await call('POST', '/v1/clusters/nowhere/check')).body.code).toBe('cluster_unknown')
  })

  it('beyond this machine need verified TLS', async () => {
    const { status, body } = await call('POST', '/v1/clusters', { id: 'far', url: 'postgres://a:b@db.example.com/x' })
    expect([status, body.code]).toEqual([400, 'cluster_tls_required'])
    expect(JSON.stringify(body)).not.toContain('a:b')
  })

  it('are for operators', async () => {
    const bearer = await server.token(server.worlds.a.ownerId)
    for (const [method, path] of [
      ['GET', '/v1/clusters'],
      ['GET', '/v1/plans'],
      ['GET', '/v1/placements'],
      ['GET', `/v1/organizations/${server.worlds.a.organizationId}/placement`],
      ['GET', `/v1/organizations/${server.worlds.a.organizationId}/limits`],
    ] as const) {
      expect([path, (await server.call(method, path, { bearer })).body.code]).toEqual([path, 'permission_denied'])
    }
  })
})

it('the worker fills warm homes, and finishes what nobody finished', async () => {
  const worker = await startTestServer(database(), { worker: true })
  try {
    await expect
      .poll(() => admin("select count(*)::int as spares from rowhouse.homes where state = 'spare'"), {
        timeout: 60_000,
      })
      .toEqual([{ spares: 1 }])
  } finally {
    await worker.stop()
  }
})
