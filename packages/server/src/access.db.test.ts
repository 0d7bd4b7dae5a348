// Who may do what, over real HTTP, for every endpoint there is: the cases are made from the contracts,
// so a new endpoint is tested the day it is declared.
import { randomUUID } from 'node:crypto'
import { endpoints } from '@rowhouse/contracts'
import type { Endpoint } from '@rowhouse/contracts'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorKey, startTestServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const database = useTestDatabase()
let server: TestServer
beforeAll(async () => {
  server = await startTestServer(database())
})
afterAll(() => server?.stop())

const all: Endpoint[] = Object.values(endpoints)
const scoped = all.filter(({ path }) => path.includes(':organizationId'))
const bodies: Readonly<Record<string, unknown>> = {
  createConnection: { connector: 'hubspot', accessToken: 'x' },
  setRole: { permissions: [] },
  grantConnection: { permission: 'connections.read', role: 'viewer' },
  setMapping: { objects: [{ object: 'contact', table: 'contacts', fields: [], references: [], matchBy: [] }] },
}
const pathIn = (endpoint: Endpoint, organizationId: string): string =>
  endpoint.path
    .replace(':organizationId', organizationId)
    .replace(':connectionId', randomUUID())
    .replace(':object', 'contact')
    .replace(':deadLetterId', '1')
    .replace(':invitationId', randomUUID())
    .replace(':grantId', randomUUID())
    .replace(':userId', randomUUID())
    .replace(':role', 'clerk')
    .replace(':table', 'notes')
    .replace(':recordId', randomUUID())
    .replace(':rolloutId', randomUUID())
    .replace(':connector', 'hubspot')
    .replace(':clusterId', 'main')
    .replace(':planId', 'standard')
const request = (endpoint: Endpoint) => (endpoint.body === undefined ? {} : { body: bodies[endpoint.id] ?? {} })

describe('every endpoint of an organization', () => {
  it.each(scoped)('$id does not exist for a person of another organization', async (endpoint) => {
    const bearer = await server.token(server.worlds.a.ownerId)
    const other = await server.call(endpoint.method, pathIn(endpoint, server.worlds.b.organizationId), {
      bearer,
      ...request(endpoint),
    })
    const none = await server.call(endpoint.method, pathIn(endpoint, randomUUID()), { bearer, ...request(endpoint) })
    expect([other.status, other.body.code]).toEqual([404, 'organization_not_found'])
    expect([none.status, none.body.code]).toEqual([404, 'organization_not_found'])
    // Nothing but the id tells the two apart.
    const blank = (text: string) => text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
    expect(blank(other.text)).toBe(blank(none.text))
  })

  it.each(scoped)('$id refuses who is not signed in', async (endpoint) => {
    const { status, body } = await server.call(
      endpoint.method,
      pathIn(endpoint, server.worlds.a.organizationId),
      request(endpoint),
    )
    expect([status, body.code]).toEqual([401, 'unauthenticated'])
  })

  it.each(scoped.filter(({ method, access }) => method !== 'GET' && access !== 'operator'))(
    '$id needs its permission',
    async (endpoint) => {
      const bearer = await server.token(server.worlds.a.viewerId)
      const { status, body } = await server.call(endpoint.method, pathIn(endpoint, server.worlds.a.organizationId), {
        bearer,
        ...request(endpoint),
      })
      expect([status, body.code]).toEqual([403, 'permission_denied'])
    },
  )

  it.each(scoped.filter(({ access }) => access === 'operator'))('$id is for operators', async (endpoint) => {
    const bearer = await server.token(server.worlds.a.ownerId)
    const { status, body } = await server.call(endpoint.method, pathIn(endpoint, server.worlds.a.organizationId), {
      bearer,
    })
    expect([status, body.code]).toEqual([403, 'permission_denied'])
  })

  it.each(
    scoped.filter(
      ({ method, access, path }) => method === 'GET' && access !== 'operator' && !path.includes(':connectionId'),
    ),
  )('$id answers a member and an operator as the contract says', async (endpoint) => {
    for (const bearer of [await server.token(server.worlds.a.viewerId), operatorKey]) {
      const answer = await server.call('GET', pathIn(endpoint, server.worlds.a.organizationId), { bearer })
      expect(answer).toMatchObject({ status: 200 })
      expect(endpoint.response.safeParse(answer.body).error).toBeUndefined()
    }
  })

  it.each(scoped.filter(({ method, path }) => method === 'GET' && path.includes(':connectionId')))(
    '$id says that a connection is not there',
    async (endpoint) => {
      const path = pathIn(endpoint, server.worlds.a.organizationId)
      expect((await server.call('GET', path, { bearer: operatorKey })).body.code).toBe('connection_not_found')
    },
  )
})

describe('every other endpoint', () => {
  it.each(all.filter(({ path, access }) => !path.includes(':organizationId') && access !== 'public'))(
    '$id refuses who is not signed in',
    async (endpoint) => {
      const { status, body } = await server.call(endpoint.method, endpoint.path, request(endpoint))
      expect([status, body.code]).toEqual([401, 'unauthenticated'])
    },
  )
})

describe('every endpoint of operators', () => {
  it.each(all.filter(({ path, access }) => !path.includes(':organizationId') && access === 'operator'))(
    '$id is refused to a person, whatever they send',
    async (endpoint) => {
      for (const person of [server.worlds.a.ownerId, randomUUID()]) {
        const bearer = await server.token(person)
        const { status, body } = await server.call(endpoint.method, pathIn(endpoint, ''), { bearer })
        expect([status, body.code]).toEqual([403, 'permission_denied'])
      }
    },
  )
})

describe('identity', () => {
  it.each([
    ['forged', { stranger: true }, 'jwt_invalid'],
    ['expired', { expired: true }, 'jwt_expired'],
  ] as const)('a %s token is refused', async (_name, change, code) => {
    const bearer = await server.token(server.worlds.a.ownerId, change)
    const { status, body } = await server.call('GET', '/v1/me', { bearer })
    expect([status, body.code]).toEqual([401, code])
  })

  it('a token without signature is refused', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const bearer = `${part({ alg: 'none' })}.${part({ sub: server.worlds.a.ownerId, exp: 9_999_999_999 })}.`
    const { status, body } = await server.call('GET', '/v1/me', { bearer })
    expect([status, body.code]).toEqual([401, 'jwt_invalid'])
  })

  it('a person sees only the own organizations, an operator all', async () => {
    const bearer = await server.token(server.worlds.a.ownerId)
    const mine = await server.call('GET', '/v1/organizations', { bearer })
    expect(mine.body.items.map(({ id }: { id: string }) => id)).toEqual([server.worlds.a.organizationId])
    const me = await server.call('GET', '/v1/me', { bearer })
    expect(me.body.memberships.map(({ organizationId }: { organizationId: string }) => organizationId)).toEqual([
      server.worlds.a.organizationId,
    ])
    const every = await server.call('GET', '/v1/organizations?limit=200', { bearer: operatorKey })
    expect(every.body.items.length).toBe(2)
  })

  it('a removed member is out at the next request', async () => {
    const { organizationId, memberId } = server.worlds.a
    const bearer = await server.token(memberId)
    const path = `/v1/organizations/${organizationId}`
    expect((await server.call('GET', path, { bearer })).status).toBe(200)
    await withClient(database().controlUrl, (control) =>
      control.query('delete from rowhouse.members where user_id = $1', [memberId]),
    )
    expect((await server.call('GET', path, { bearer })).body.code).toBe('organization_not_found')
  })
})

describe('an organization', () => {
  it('is created by a person for themselves only, found, suspended and resumed', async () => {
    const bearer = await server.token(server.worlds.b.ownerId)
    const body = { name: 'Cedar', slug: 'cedar' }
    const foreign = await server.call('POST', '/v1/organizations', { bearer, body: { ...body, ownerId: randomUUID() } })
    expect(foreign.body.code).toBe('permission_denied')
    const made = await server.call('POST', '/v1/organizations', { bearer, body })
    expect(made.body).toMatchObject({
      slug: 'cedar',
      members: 1,
      status: 'active',
      isolation: 'shared',
      connection: null,
    })
    expect((await server.call('POST', '/v1/organizations', { bearer, body })).body.code).toBe('slug_taken')
    const path = `/v1/organizations/${made.body.id}`
    expect((await server.call('POST', `${path}/suspend`, { bearer: operatorKey })).body.status).toBe('suspended')
    expect((await server.call('GET', path, { bearer })).body.code).toBe('organization_suspended')
    expect((await server.call('GET', path, { bearer: operatorKey })).body.status).toBe('suspended')
    expect((await server.call('POST', `${path}/resume`, { bearer: operatorKey })).body.status).toBe('active')
    expect((await server.call('GET', path, { bearer })).status).toBe(200)
    const entries = await withClient(database().controlUrl, (control) =>
      control.query('select actor_kind, action, outcome from rowhouse.control_audit order by id'),
    )
    expect(entries.rows).toEqual(
      expect.arrayContaining([
        { actor_kind: 'user', action: 'organization.create', outcome: 'slug_taken' },
        { actor_kind: 'operator', action: 'organization.suspend', outcome: 'done' },
      ]),
    )
  })

  it('pages by name, each once, and search takes no wildcards', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    for (let page = 0; page < 10; page += 1) {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { body } = await server.call('GET', `/v1/organizations?limit=1${query}`, { bearer: operatorKey })
      seen.push(...body.items.map(({ name }: { name: string }) => name))
      cursor = body.next
      if (cursor === null) break
    }
    expect(seen).toEqual(['Alder', 'Birch', 'Cedar'])
    const found = await server.call('GET', '/v1/organizations?search=%25', { bearer: operatorKey })
    expect(found.body.items).toEqual([])
  })
})

describe('activity', () => {
  it('shows the changes of one organization, newest first, with fields, paged', async () => {
    const { a, b } = server.worlds
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await a.enter(app)
      await app.query('update notes set body = $1 where id = $2', ['after', a.noteIds[0]])
      await app.query('commit')
    })
    const bearer = await server.token(a.viewerId)
    const path = `/v1/organizations/${a.organizationId}/activity`
    const { body } = await server.call('GET', path, { bearer })
    expect(body.items[0]).toMatchObject({
      action: 'update',
      direction: 'local',
      status: 'logged',
      table: 'notes',
      changes: [{ field: 'body', before: expect.stringContaining('Alder'), after: 'after' }],
      actor: { kind: 'user', id: a.ownerId },
    })
    expect(new Set(body.items.map(({ organizationId }: { organizationId: string }) => organizationId))).toEqual(
      new Set([a.organizationId]),
    )
    const first = await server.call('GET', `${path}?limit=2`, { bearer })
    const second = await server.call('GET', `${path}?limit=200&before=${first.body.next}`, { bearer })
    expect([...first.body.items, ...second.body.items]).toEqual(body.items)
    const ofRecord = await server.call('GET', `${path}?recordId=${a.noteIds[0]}`, { bearer })
    expect(ofRecord.body.items.map(({ action }: { action: string }) => action)).toEqual(['update', 'insert'])
    const foreign = await server.call('GET', `${path}?recordId=${b.noteIds[0]}`, { bearer })
    expect(foreign.body.items).toEqual([])
  })
})

describe('with the access check switched off', () => {
  it('a stranger gets further, and the database alone still refuses the rows', async () => {
    const open = await startTestServer(database(), { guards: { access: false, sameSite: true } })
    try {
      const bearer = await open.token(open.worlds.a.ownerId)
      const path = `/v1/organizations/${open.worlds.b.organizationId}`
      // The guard held this: the catalogue login sees every connection.
      const { rows } = await withClient(database().controlUrl, (control) =>
        control.query<{ id: string }>(
          `insert into rowhouse.connections (organization_id, connector, account, base_url)
           values ($1, 'hubspot', 'x', 'https://api.hubapi.com') returning id`,
          [open.worlds.b.organizationId],
        ),
      )
      expect((await open.call('GET', `${path}/connections/${rows[0]?.id}`, { bearer })).status).toBe(200)
      // And never these: the read itself enters as the caller.
      expect((await open.call('GET', `${path}/connections`, { bearer })).body.code).toBe('organization_not_found')
      expect((await open.call('GET', `${path}/activity`, { bearer })).body.code).toBe('organization_not_found')
      expect((await open.call('GET', `${path}/members`, { bearer })).body.code).toBe('organization_not_found')
    } finally {
      await open.stop()
    }
  })
})
