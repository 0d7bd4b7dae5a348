// Whether a program serves while an upgrade is under way: the schema is newer than the program, and says itself whom it serves.
import { schemaVersion } from '@rowhouse/database'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer
beforeAll(async () => {
  server = await startTestServer(database())
})
afterAll(() => server?.stop())

const admin = (text: string): Promise<unknown> => withClient(database().adminUrl, (client) => client.query(text))
const ready = async (): Promise<[number, unknown]> => {
  const { status, body } = await server.call('GET', '/readyz')
  return [status, body.code ?? body]
}
const NEWER = schemaVersion + 1
const newest = (oldestRuntime: number): Promise<unknown> =>
  admin(`create or replace function rowhouse.handshake()
    returns table (database_id uuid, schema_version int, oldest_runtime int, server_now timestamptz, token_key_ids text[])
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select d.id, ${NEWER}, ${oldestRuntime}, clock_timestamp(), array(select k.id from rowhouse.keys k) from rowhouse.database d $$`)

it('a server goes on with a newer schema that still works with it, and another one starts there', async () => {
  expect(await ready()).toEqual([200, { status: 'ready', schemaVersion, knownVersion: schemaVersion }])
  await newest(schemaVersion)
  expect(await ready()).toEqual([200, { status: 'ready', schemaVersion: NEWER, knownVersion: schemaVersion }])
  const listed = await server.call('GET', `/v1/organizations/${server.worlds.a.organizationId}/members`, {
    bearer: await server.token(server.worlds.a.ownerId),
  })
  expect(listed.body.items).toHaveLength(3)
  // One that crashed during the upgrade comes back.
  const again = await startTestServer(database())
  await again.stop()
})

it('a server that the newer schema has no place for says so, and none starts', async () => {
  await newest(NEWER)
  expect(await ready()).toEqual([503, 'schema_newer'])
  await expect(startTestServer(database())).rejects.toMatchObject({ code: 'schema_newer' })
})

it('a server that is newer than the schema does not start', async () => {
  await admin(`create or replace function rowhouse.handshake()
    returns table (database_id uuid, schema_version int, oldest_runtime int, server_now timestamptz, token_key_ids text[])
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select d.id, ${schemaVersion - 1}, 0, clock_timestamp(), array(select k.id from rowhouse.keys k) from rowhouse.database d $$`)
  expect(await ready()).toEqual([503, 'schema_outdated'])
  await expect(startTestServer(database())).rejects.toMatchObject({ code: 'schema_outdated' })
})
