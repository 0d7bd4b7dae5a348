// The live stream over real HTTP, read by the real client: nobody hears of another organization.
import { createClient } from '@rowhouse/client'
import type { ConnectionDetail, ServerEvent } from '@rowhouse/contracts'
import { serverEvent } from '@rowhouse/contracts'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import type { World } from '@rowhouse/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Sync } from './sync.ts'
import { operatorKey, startTestServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const database = useTestDatabase()
const listeners = new Set<(connection: ConnectionDetail) => void>()
let server: TestServer
beforeAll(async () => {
  server = await startTestServer(database(), { sync: emittingSync() })
})
afterAll(() => server?.stop())

/** Connections change when the test says so. */
function emittingSync(): Sync {
  const none = (): never => {
    throw new Error('not reached')
  }
  return {
    connections: {
      create: none,
      list: async () => [],
      get: none,
      pause: none,
      resume: none,
      resync: none,
      test: none,
      remove: none,
    },
    mappings: { objects: none, schema: none, get: none, columns: none, set: none },
    apps: { list: none, set: none, remove: none },
    authorize: { begin: none, start: none, finish: none },
    webhooks: { receive: none },
    deadLetters: { list: none, replay: none },
    conflicts: { list: none },
    worker: { start: none, stop: async () => {} },
    events: {
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    close: async () => {},
  }
}

interface Listening {
  readonly events: ServerEvent[]
  /** The first event, past or future, that fits. */
  until(fits: (event: ServerEvent) => boolean): Promise<ServerEvent>
  readonly opened: Promise<void>
  readonly ended: Promise<unknown>
}

const open: AbortController[] = []
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort()
})

function listen(url: string, bearer: string, organizationId?: string): Listening {
  const controller = new AbortController()
  open.push(controller)
  const events: ServerEvent[] = []
  const waiting = new Set<() => void>()
  const opened = Promise.withResolvers<void>()
  const ended = createClient({ baseUrl: url, headers: { authorization: `Bearer ${bearer}` } })
    .events(
      { organizationId, signal: controller.signal },
      (event) => {
        events.push(serverEvent.parse(event))
        for (const look of waiting) look()
      },
      { retryMs: 1, onStatus: (status) => status === 'open' && opened.resolve() },
    )
    .catch((error: unknown) => error)
  return {
    events,
    ended,
    opened: opened.promise,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events.find(fits)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
  }
}

const write = (world: World, body: string) =>
  withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await world.enter(app)
    await app.query('update notes set body = $1 where id = $2', [body, world.noteIds[0]])
    await app.query('commit')
  })
const says = (body: string) => (event: ServerEvent) =>
  event.type === 'activity' && event.items.some(({ changes }) => changes.some(({ after }) => after === body))
const setStatus = (organizationId: string, act: 'suspend' | 'resume') =>
  server.call('POST', `/v1/organizations/${organizationId}/${act}`, { bearer: operatorKey })
const connectionOf = (organizationId: string): ConnectionDetail => ({
  id: '0195b7a2-1111-4222-8333-444455556666',
  organizationId,
  connector: 'hubspot',
  account: '1',
  accountName: null,
  state: 'live',
  stateReason: null,
  lagMs: 0,
  latencyMs: { outbound: null, inbound: null },
  records: 0,
  deadLetters: 0,
  conflicts: 0,
  lastError: null,
  lastSyncedAt: null,
  pollIntervalMs: 1000,
  webhooks: true,
  events: null,
  objects: [],
  createdAt: '2026-01-01T00:00:00.000Z',
  budgets: [],
})

describe('the live stream', () => {
  it("brings an organization's changes to its members and to no others", async () => {
    const { a, b } = server.worlds
    const ofA = listen(server.url, await server.token(a.viewerId), a.organizationId)
    const ofB = listen(server.url, await server.token(b.viewerId), b.organizationId)
    await Promise.all([ofA.opened, ofB.opened])
    await write(a, 'said in a')
    await write(b, 'said in b')
    for (const listener of listeners) {
      listener(connectionOf(a.organizationId))
      listener(connectionOf(b.organizationId))
    }
    await Promise.all([ofA.until(says('said in a')), ofB.until(says('said in b'))])
    await Promise.all([ofA, ofB].map((stream) => stream.until(({ type }) => type === 'connection')))
    expect(JSON.stringify(ofA.events)).not.toContain(b.organizationId)
    expect(JSON.stringify(ofB.events)).not.toContain(a.organizationId)
  })

  it('brings what was missed, by Last-Event-ID', async () => {
    const { a } = server.worlds
    const bearer = await server.token(a.viewerId)
    const { body } = await server.call('GET', `/v1/organizations/${a.organizationId}/activity?limit=1`, { bearer })
    await write(a, 'missed')
    const response = await fetch(`${server.url}/v1/events?organizationId=${a.organizationId}`, {
      headers: { authorization: `Bearer ${bearer}`, 'last-event-id': body.items[0].seq },
    })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(Buffer.from(value ?? []).toString()).toMatch(/^id: \d+\nevent: activity\ndata: .*"after":"missed"/)
    await reader.cancel()
  })

  it('says when a change has arrived at the CRM', async () => {
    const { a } = server.worlds
    const connectionId = '0195b7a2-7777-4222-8333-444455556666'
    await withClient(database().adminUrl, (admin) =>
      admin.query(
        `insert into rowhouse.connections (id, organization_id, connector, account, base_url, mapping)
        values ($1, $2, 'hubspot', '7', 'http://crm', '[{"object":"note","table":"notes","fields":[]}]')`,
        [connectionId, a.organizationId],
      ),
    )
    const stream = listen(server.url, await server.token(a.viewerId), a.organizationId)
    await stream.opened
    await write(a, 'for the crm')
    const event = await stream.until(says('for the crm'))
    const item = event.type === 'activity' ? event.items.at(-1) : undefined
    expect(item).toMatchObject({ direction: 'outbound', status: 'pending', connector: 'hubspot', connectionId })
    await withClient(database().adminUrl, (admin) =>
      admin.query(
        `insert into rowhouse_home.sync_deliveries (organization_id, connection_id, object, table_name, record_id,
          remote_id, kind, status, through_seq, fields, epoch, at, delivered_at)
        values ($1, $2, 'note', 'notes', $3, '77', 'update', 'delivered', $4, '{}', 1, now(), now())`,
        [a.organizationId, connectionId, a.noteIds[0], item?.seq],
      ),
    )
    const arrived = await stream.until(
      (event) =>
        event.type === 'activity' && event.items.some(({ seq, status }) => seq === item?.seq && status === 'delivered'),
    )
    expect(arrived.type === 'activity' && arrived.items.at(-1)).toMatchObject({
      remoteId: '77',
      deliveredAt: expect.any(String),
    })
  })

  it('over all organizations brings a person the own ones, an operator every one', async () => {
    const { a, b } = server.worlds
    const ofA = listen(server.url, await server.token(a.viewerId))
    const ofOperator = listen(server.url, operatorKey)
    await Promise.all([ofA.opened, ofOperator.opened])
    const about = (id: string) => (event: ServerEvent) =>
      event.type === 'organization' && event.organization.id === id && event.organization.status === 'suspended'
    await setStatus(b.organizationId, 'suspend')
    await setStatus(a.organizationId, 'suspend')
    await Promise.all([
      ofOperator.until(about(b.organizationId)),
      ofOperator.until(about(a.organizationId)),
      ofA.until(about(a.organizationId)),
    ])
    await setStatus(b.organizationId, 'resume')
    await setStatus(a.organizationId, 'resume')
    expect(ofA.events.filter(about(b.organizationId))).toEqual([])
  })

  it('ends for a member who was removed', async () => {
    const { a } = server.worlds
    const stream = listen(server.url, await server.token(a.memberId), a.organizationId)
    await stream.opened
    await withClient(database().controlUrl, (control) =>
      control.query('delete from rowhouse.members where user_id = $1', [a.memberId]),
    )
    expect(await stream.ended).toMatchObject({ code: 'organization_not_found' })
  })

  it('refuses strangers as the API does', async () => {
    const { a, b } = server.worlds
    const stream = listen(server.url, await server.token(a.ownerId), b.organizationId)
    expect(await stream.ended).toMatchObject({ code: 'organization_not_found' })
    expect((await server.call('GET', '/v1/events')).body.code).toBe('unauthenticated')
  })

  it('with the access check switched off, a stranger hears of the other organization', async () => {
    const unguarded = await startTestServer(database(), {
      sync: emittingSync(),
      guards: { access: false, sameSite: true },
    })
    try {
      const { a, b } = unguarded.worlds
      const stream = listen(unguarded.url, await unguarded.token(a.ownerId))
      await stream.opened
      for (const listener of listeners) listener(connectionOf(b.organizationId))
      const event = await stream.until(({ type }) => type === 'connection')
      expect(JSON.stringify(event)).toContain(b.organizationId)
    } finally {
      for (const controller of open.splice(0)) controller.abort()
      await unguarded.stop()
    }
  })

  it('ends when the server stops, which waits for nobody who listens', async () => {
    const stopping = await startTestServer(database(), { sync: emittingSync() })
    const stream = listen(stopping.url, operatorKey)
    await stream.opened
    await stopping.stop()
    expect(stopping.log.at(-1)).toEqual({ type: 'stopped' })
  })
})
