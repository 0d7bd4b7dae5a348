// The setting over HTTP, as several people.
import { randomUUID } from 'node:crypto'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer
let path: string
beforeAll(async () => {
  server = await startTestServer(database())
  path = `/v1/organizations/${server.worlds.a.organizationId}/retention`
})
afterAll(() => server?.stop())

it('is read by a viewer, set by an owner or an operator, and hidden from a stranger', async () => {
  const owner = await server.token(server.worlds.a.ownerId)
  const viewer = await server.token(server.worlds.a.viewerId)
  const stranger = await server.token(randomUUID())
  const put = (bearer: string, body: unknown) => server.call('PUT', path, { bearer, body })

  expect((await server.call('GET', path, { bearer: viewer })).body).toEqual({ days: null, source: 'plan' })
  expect((await put(viewer, { days: 90 })).body).toMatchObject({ code: 'permission_denied' })
  expect((await put(stranger, { days: 90 })).body).toMatchObject({ code: 'organization_not_found' })
  expect((await put(owner, { days: 90 })).body).toEqual({ days: 90, source: 'organization' })
  expect((await put(operatorKey, { days: null })).body).toEqual({ days: null, source: 'organization' })
  expect((await put(owner, { followPlan: true })).body).toEqual({ days: null, source: 'plan' })
})

it('refuses what it cannot keep, and records who set what', async () => {
  const owner = await server.token(server.worlds.a.ownerId)
  for (const [body, code] of [
    [{ days: 29 }, 'retention_out_of_bounds'],
    [{ days: 40_000 }, 'retention_out_of_bounds'],
    [{ days: 3e10 }, 'validation_failed'],
    [{ days: 'many' }, 'validation_failed'],
    [{}, 'validation_failed'],
    [{ days: 90, followPlan: true }, 'validation_failed'],
  ] as const)
    expect([body, (await server.call('PUT', path, { bearer: owner, body })).body.code]).toEqual([body, code])
  await server.call('PUT', path, { bearer: owner, body: { days: 365 } })
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query(
      `select actor_id, outcome from rowhouse.control_audit where action = 'retention.set' order by id desc limit 2`,
    ),
  )
  expect(rows).toEqual([
    { actor_id: server.worlds.a.ownerId, outcome: 'done' },
    { actor_id: server.worlds.a.ownerId, outcome: 'retention_out_of_bounds' },
  ])
})
