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

  expect((await server.call('GET', path, { bearer: viewer })).body).toEqual({
    days: null,
    source: 'plan',
    planDays: null,
  })
  expect((await put(viewer, { days: 90 })).body).toMatchObject({ code: 'permission_denied' })
  expect((await put(stranger, { days: 90 })).body).toMatchObject({ code: 'organization_not_found' })
  expect((await put(owner, { days: 90 })).body).toEqual({ days: 90, source: 'organization', planDays: null })
  expect((await put(operatorKey, { days: null })).body).toEqual({
    days: null,
    source: 'organization',
    planDays: null,
  })
  expect((await put(owner, { followPlan: true })).body).toEqual({ days: null, source: 'plan', planDays: null })
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

it('tells before it is set how many lines are too old, to who may read them', async () => {
  const viewer = await server.token(server.worlds.a.viewerId)
  const { organizationId } = server.worlds.a
  await withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ plan: string }>('select plan from rowhouse.organizations where id = $1', [
      organizationId,
    ])
    await admin.query('select rowhouse.set_plan_log_retention($1, 400)', [rows[0]?.plan])
    // As the triggers write them, but long ago.
    for (const [days, organization] of [
      [500, organizationId],
      [100, organizationId],
      [20, organizationId],
      [500, server.worlds.b.organizationId],
    ])
      await admin.query(
        `insert into rowhouse.change_log (organization_id, at, table_schema, table_name, record_id, record_hash, action, new, actor_kind, origin)
         values ($2, clock_timestamp() - make_interval(days => $1), 'public', 'notes', 'r', rowhouse.record_hash('r'), 'insert', '{}', 'user', 'app')`,
        [days, organization],
      )
  })
  const preview = async (query: string, bearer = viewer) =>
    (await server.call('GET', `${path}/preview${query}`, { bearer })).body
  const lines = async (days: number): Promise<number> => (await preview(`?days=${days}`)).lines as number
  expect(await Promise.all([lines(600), lines(400), lines(90), lines(30)])).toEqual([0, 1, 2, 2])
  const { before, oldestAt, hasMore } = await preview('?days=90')
  const ageDays = (at: string): number => Math.round((Date.now() - Date.parse(at)) / 86_400_000)
  expect([ageDays(before), ageDays(oldestAt), hasMore]).toEqual([90, 500, false])
  expect(await preview('')).toEqual({ before: null, lines: 0, hasMore: false, oldestAt: null })
  expect((await preview('?days=29')).code).toBe('retention_out_of_bounds')
  for (const query of ['?days=many', '?days=3e10', '?days=30.5'])
    expect([query, (await preview(query)).code]).toEqual([query, 'validation_failed'])
  expect((await preview('?days=90', await server.token(randomUUID()))).code).toBe('organization_not_found')
  const owner = await server.token(server.worlds.a.ownerId)
  await server.call('PUT', path, { bearer: owner, body: { days: 90 } })
  expect((await server.call('GET', path, { bearer: viewer })).body).toEqual({
    days: 90,
    source: 'organization',
    planDays: 400,
  })
})
