// `rowhouse sync`, against a control plane over HTTP.
import type { ConnectionDetail } from '@rowhouse/contracts'
import type { Sync } from '@rowhouse/server'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, expect, it } from 'vitest'

import type { Ended } from './test-command.ts'
import { useServed } from './test-served.ts'

const database = useTestDatabase()
const connectionId = '0195b7a2-1111-4222-8333-444455556666'
let worlds: TwoWorlds
let detail: ConnectionDetail

const ago = (durationMs: number): string => new Date(Date.now() - durationMs).toISOString()

/** An engine that has one connection, and reads it again when told. */
function engine(): Sync {
  const none = (): never => {
    throw new Error('not reached')
  }
  const one = async (): Promise<ConnectionDetail> => detail
  return {
    connections: {
      create: none,
      list: async () => [detail],
      get: one,
      remove: none,
      pause: none,
      resume: none,
      resync: async () => (detail = { ...detail, state: 'resyncing' }),
      test: none,
    },
    mappings: { objects: none, schema: none, get: none, columns: none, set: none },
    apps: { list: none, set: none, remove: none },
    authorize: { begin: none, start: none, finish: none },
    webhooks: { receive: none },
    deadLetters: { list: async () => [], replay: none },
    conflicts: { list: async () => [] },
    worker: { start: () => {}, stop: async () => {} },
    events: { subscribe: () => () => {} },
    close: async () => {},
  }
}

const served = useServed(database, { options: () => ({ sync: engine() }) })
const rowhouse = (...words: string[]): Promise<Ended> => served.rowhouse('sync', ...words)

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  // The server shows of the engine's connections those that the catalogue lets the caller see.
  await withClient(database().adminUrl, (admin) =>
    admin.query('insert into rowhouse.connections (id, organization_id) values ($1, $2)', [
      connectionId,
      worlds.a.organizationId,
    ]),
  )
  detail = {
    id: connectionId,
    organizationId: worlds.a.organizationId,
    connector: 'salesforce',
    account: '00D000000000001EAA',
    accountName: null,
    state: 'live',
    stateReason: null,
    lagMs: 0,
    latencyMs: { outbound: null, inbound: null },
    records: 5,
    deadLetters: 0,
    conflicts: 0,
    lastError: null,
    lastSyncedAt: null,
    pollIntervalMs: 900_000,
    webhooks: false,
    events: { state: 'connected', since: ago(7_300_000), lastEventAt: ago(4200), lagMs: 640, reason: null },
    objects: [],
    createdAt: ago(90_000_000),
    budgets: [],
  }
})

it('shows the event stream: since when, the last change and how long it took, or what to do', async () => {
  const open = await rowhouse('status', worlds.a.slug)
  expect(open.code).toBe(0)
  expect(open.stdout).toContain('polled every 15 min')
  expect(open.stdout).toMatch(/ {2}events connected since 2 h ago, last \d+ s ago, 640 ms after its commit\n/)
  const reason = 'Select the object under Change Data Capture.'
  detail = { ...detail, events: { state: 'unavailable', since: null, lastEventAt: null, lagMs: null, reason } }
  expect((await rowhouse('status', worlds.a.slug)).stdout).toContain(`  events unavailable, none yet, ${reason}\n`)
  detail = { ...detail, events: null }
  expect((await rowhouse('status', worlds.a.slug)).stdout).not.toContain('events')
  expect(JSON.parse((await rowhouse('status', worlds.a.slug, '--json')).stdout)).toMatchObject([{ events: null }])
})

it('has every record read again, of one connection or of all', async () => {
  expect(await rowhouse('repair', worlds.a.slug, '--connection', '0195b7a2-0000-4222-8333-444455556666')).toMatchObject(
    {
      code: 1,
      stderr: expect.stringContaining('connection_not_found') as unknown,
    },
  )
  expect(detail.state).toBe('live')
  expect(await rowhouse('repair', worlds.a.slug, '--connection', connectionId)).toMatchObject({
    code: 0,
    stdout: 'salesforce 00D000000000001EAA: resyncing\n',
  })
  detail = { ...detail, state: 'live' }
  expect(JSON.parse((await rowhouse('repair', worlds.a.slug, '--json')).stdout)).toMatchObject([{ state: 'resyncing' }])
})
