// Rollouts over HTTP: an operator sees them, nobody else does.
import { checkDrift, rollOut, prepareMigration, migrationFile } from '@rowhouse/fleet'
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer
let homes: TestHome[]

beforeAll(async () => {
  server = await startTestServer(database())
  homes = await makeHomes(database(), 2)
  const migrations = [
    await prepareMigration(
      migrationFile(
        '20260101000000',
        'calls',
        `create table calls (id uuid primary key); select rowhouse.protect('calls')`,
      ),
    ),
  ]
  await withClient(database().adminUrl, (admin) => admin.query(`create table ${homes[1]?.schemaName}.calls (id int)`))
  await rollOut({ catalogueUrl: database().migratorUrl, migrations, pace: { errors: 1, canaries: ['org-0'] } }).catch(
    () => undefined,
  )
  await checkDrift({ catalogueUrl: database().migratorUrl })
})
afterAll(async () => {
  await server?.stop()
  await dropHomes(database())
})

it('show an operator how far each is, and which homes failed with what', async () => {
  const list = await server.call('GET', '/v1/rollouts', { bearer: operatorKey })
  expect(list.body).toMatchObject({
    items: [{ target: '20260101000000', state: 'incomplete', homes: { total: 3, done: 2, failed: 1, blocked: 0 } }],
    versions: [
      { version: null, homes: 1 },
      { version: '20260101000000', homes: 2 },
    ],
  })
  const one = await server.call('GET', `/v1/rollouts/${list.body.items[0].id}`, { bearer: operatorKey })
  expect(one.body).toMatchObject({
    rollout: { state: 'incomplete', code: 'rollout_incomplete' },
    open: [
      {
        homeId: homes[1]?.id,
        slug: 'org-1',
        state: 'failed',
        code: 'migration_failed',
        version: '20260101000000',
        line: 1,
      },
    ],
  })
  expect((await server.call('GET', '/v1/drift', { bearer: operatorKey })).body).toMatchObject({
    report: { homes: 3, drifted: [{ homeId: homes[1]?.id, differences: expect.any(Array) as unknown }] },
  })
})

it('are not there under another id, and not for a person', async () => {
  for (const id of ['no-uuid', '00000000-0000-4000-8000-000000000000']) {
    expect((await server.call('GET', `/v1/rollouts/${id}`, { bearer: operatorKey })).body).toMatchObject({
      code: 'rollout_not_found',
    })
  }
  const owner = await server.token(server.worlds.a.ownerId)
  for (const path of ['/v1/rollouts', '/v1/rollouts/00000000-0000-4000-8000-000000000000', '/v1/drift']) {
    expect((await server.call('GET', path, { bearer: owner })).body).toMatchObject({ code: 'permission_denied' })
    expect((await server.call('GET', path)).body).toMatchObject({ code: 'unauthenticated' })
  }
})
