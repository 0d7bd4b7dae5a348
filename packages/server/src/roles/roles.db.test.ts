// Roles, and connections that are granted one by one, over real HTTP: who may manage A cannot touch B, whatever they call.
import { endpoints } from '@rowhouse/contracts'
import type { Endpoint } from '@rowhouse/contracts'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer
let owner = ''
let clerk = ''
/** Two connections of A. */
let granted = ''
let other = ''
const letters: Record<string, string> = {}

const organization = (): string => `/v1/organizations/${server.worlds.a.organizationId}`
const path = (id: string, rest = ''): string => `${organization()}/connections/${id}${rest}`
const call = (method: string, where: string, bearer: string, body?: unknown): Promise<Answer> =>
  server.call(method, where, { bearer, ...(body === undefined ? {} : { body }) })
const ids = (answer: Answer): string[] => answer.body.items.map(({ id }: { id: string }) => id)

beforeAll(async () => {
  server = await startTestServer(database())
  const { memberId, organizationId, ownerId } = server.worlds.a
  owner = await server.token(ownerId)
  clerk = await server.token(memberId)
  await withClient(database().controlUrl, async (control) => {
    for (const account of ['granted', 'other']) {
      const { rows } = await control.query<{ id: string }>(
        `insert into rowhouse.connections (organization_id, connector, account, base_url, state, revision)
         values ($1, 'hubspot', $2, 'https://api.hubapi.com', 'live', nextval('rowhouse.connection_revisions')) returning id`,
        [organizationId, account],
      )
      if (account === 'granted') granted = rows[0]?.id ?? ''
      else other = rows[0]?.id ?? ''
    }
  })
  await withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await server.worlds.a.enter(app, { kind: 'operator', user: null, service: 'o', reason: 'r' })
    for (const connection of [granted, other]) {
      const { rows } = await app.query<{ id: string }>(
        `insert into rowhouse_home.sync_dead_letters (connection_id, object, direction, record_key, code, reason)
         values ($1, 'contacts', 'inbound', $2, 'x', 'x') returning id::text`,
        [connection, connection],
      )
      letters[connection] = rows[0]?.id ?? ''
    }
    await app.query('commit')
  })
})
afterAll(() => server?.stop())

describe('roles', () => {
  it('are listed, made, changed and removed, and never give more than one has', async () => {
    const made = await call('PUT', `${organization()}/roles/clerk`, owner, {
      permissions: ['organization.read', 'members.read', 'data.read'],
    })
    expect(made.body).toEqual({
      name: 'clerk',
      permissions: ['data.read', 'members.read', 'organization.read'],
      builtIn: false,
      members: 0,
    })
    const listed = await call('GET', `${organization()}/roles`, owner)
    expect(listed.body.items.map(({ name }: { name: string }) => name)).toEqual([
      'admin',
      'member',
      'owner',
      'viewer',
      'clerk',
    ])
    const refused = async (method: string, role: string, bearer: string, body?: object): Promise<string> =>
      (await call(method, `${organization()}/roles/${role}`, bearer, body)).body.code
    expect(await refused('PUT', 'owner', owner, { permissions: [] })).toBe('role_in_use')
    expect(await refused('PUT', 'clerk', clerk, { permissions: ['data.read'] })).toBe('permission_denied')
    expect(await refused('PUT', 'clerk', owner, { permissions: [`connections.manage:${granted}`] })).toBe(
      'role_invalid',
    )
    expect(await refused('DELETE', 'nobody', owner)).toBe('role_unknown')
    await call('PUT', `${organization()}/roles/passing`, operatorKey, { permissions: [] })
    expect((await call('DELETE', `${organization()}/roles/passing`, operatorKey)).body).toEqual({ removed: true })
    await withClient(database().controlUrl, (control) =>
      control.query(`update rowhouse.members set role = 'clerk' where user_id = $1`, [server.worlds.a.memberId]),
    )
    expect(await refused('DELETE', 'clerk', owner)).toBe('role_in_use')
  })
})

describe('a connection that is granted', () => {
  /** Every endpoint that names a connection and may be granted, with what it is called with. */
  const perConnection = (Object.values(endpoints) as Endpoint[]).filter(
    ({ access, path: where }) =>
      typeof access === 'object' && access.per === 'connection' && where.includes(':connectionId'),
  )
  const ask = (endpoint: Endpoint, id: string, bearer: string): Promise<Answer> =>
    call(
      endpoint.method,
      endpoint.path.replace(':organizationId', server.worlds.a.organizationId).replace(':connectionId', id),
      bearer,
      endpoint.body === undefined ? undefined : {},
    )

  it('is nobody’s before', async () => {
    for (const endpoint of perConnection)
      expect((await ask(endpoint, granted, clerk)).body.code).toBe('permission_denied')
    expect((await call('GET', `${organization()}/connections`, clerk)).body.code).toBe('permission_denied')
    expect((await call('GET', organization(), clerk)).body.connection).toBeNull()
  })

  it('is managed by whom it was granted to, who cannot touch another one, whatever they call', async () => {
    const grant = await call('POST', path(granted, '/grants'), owner, {
      permission: 'connections.manage',
      userId: server.worlds.a.memberId,
    })
    expect(grant.body).toMatchObject({ permission: 'connections.manage', userId: server.worlds.a.memberId, role: null })
    expect(perConnection.length).toBeGreaterThan(5)
    for (const endpoint of perConnection) {
      const { status, body } = await ask(endpoint, other, clerk)
      expect([endpoint.id, status, body.code]).toEqual([endpoint.id, 403, 'permission_denied'])
      // One that is not there answers no differently.
      const none = await ask(endpoint, '00000000-0000-4000-8000-000000000000', clerk)
      expect([none.status, none.body.code]).toEqual([403, 'permission_denied'])
    }
    expect((await call('POST', path(granted, '/pause'), clerk)).body.state).toBe('paused')
    expect((await call('POST', path(granted, '/resume'), clerk)).status).toBe(200)
    expect((await call('GET', path(granted), clerk)).body.id).toBe(granted)
    expect((await call('GET', path(other), owner)).body.state).toBe('live')
  })

  it('is all that lists show', async () => {
    expect(ids(await call('GET', `${organization()}/connections`, clerk))).toEqual([granted])
    expect(new Set(ids(await call('GET', `${organization()}/connections`, owner)))).toEqual(new Set([granted, other]))
    expect((await call('GET', organization(), clerk)).body.connection.id).toBe(granted)
    const [mine] = (await call('GET', '/v1/organizations', clerk)).body.items
    expect(mine.connection.id).toBe(granted)
    expect(ids(await call('GET', `${organization()}/dead-letters`, clerk))).toEqual([letters[granted]])
    const [membership] = (await call('GET', '/v1/me', clerk)).body.memberships
    expect(membership.permissions).toContain(`connections.manage:${granted}`)
    expect(JSON.stringify(membership)).not.toContain(other)
  })

  it('is all that live events tell of', async () => {
    const abort = new AbortController()
    const response = await fetch(`${server.url}/v1/events?organizationId=${server.worlds.a.organizationId}`, {
      headers: { authorization: `Bearer ${clerk}` },
      signal: abort.signal,
    })
    let heard = ''
    const reading = (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        heard += new TextDecoder().decode(chunk)
    })().catch(() => {})
    for (const [id, verb] of [
      [other, 'pause'],
      [granted, 'pause'],
      [other, 'resume'],
      [granted, 'resume'],
    ] as const)
      await call('POST', path(id, `/${verb}`), owner)
    await expect.poll(() => heard, { timeout: 60_000, interval: 20 }).toContain(granted)
    await call('POST', path(granted, '/pause'), owner)
    await expect
      .poll(() => heard.match(/event: connection/g)?.length ?? 0, { timeout: 60_000, interval: 20 })
      .toBeGreaterThan(1)
    await call('POST', path(granted, '/resume'), owner)
    abort.abort()
    await reading
    expect(heard).not.toContain(other)
  })

  it('replays its own dead letters only, and gets new credentials alone', async () => {
    const replay = (id: string): Promise<Answer> =>
      call('POST', `${organization()}/dead-letters/${letters[id]}/replay`, clerk)
    expect((await replay(other)).body.code).toBe('dead_letter_not_found')
    const authorize = (connectionId?: string): Promise<Answer> =>
      call('POST', `${organization()}/connections/authorize`, clerk, { connector: 'hubspot', connectionId })
    expect((await authorize()).body.code).toBe('permission_denied')
    expect((await authorize(other)).body.code).toBe('permission_denied')
    // Let in: what is missing is the product's app at HubSpot.
    expect((await authorize(granted)).body.code).toBe('connector_app_missing')
    const create = await call('POST', `${organization()}/connections`, clerk, {
      connector: 'hubspot',
      accessToken: 'x',
    })
    expect(create.body.code).toBe('permission_denied')
    expect((await replay(granted)).body).toEqual({ replayed: true })
  })

  it('to be seen only is not managed', async () => {
    await call('POST', path(other, '/grants'), operatorKey, { permission: 'connections.read', role: 'clerk' })
    expect((await call('GET', path(other), clerk)).status).toBe(200)
    expect((await call('POST', path(other, '/pause'), clerk)).body.code).toBe('permission_denied')
    expect((await call('DELETE', path(other), clerk)).body.code).toBe('permission_denied')
  })

  it('is granted and taken back by who may, on record', async () => {
    const refused = async (method: string, where: string, bearer: string, body?: object): Promise<string> =>
      (await call(method, where, bearer, body)).body.code
    const all = { permission: 'connections.manage', role: 'viewer' }
    expect(await refused('POST', path(other, '/grants'), clerk, all)).toBe('permission_denied')
    expect(await refused('POST', path(other, '/grants'), owner, { ...all, userId: server.worlds.a.memberId })).toBe(
      'validation_failed',
    )
    expect(await refused('POST', path(other, '/grants'), owner, { permission: 'connections.manage' })).toBe(
      'validation_failed',
    )
    expect(
      await refused('POST', path(other, '/grants'), owner, {
        ...all,
        role: undefined,
        userId: server.worlds.b.ownerId,
      }),
    ).toBe('member_unknown')
    const { items } = (await call('GET', path(granted, '/grants'), owner)).body
    expect(items).toEqual([
      expect.objectContaining({ permission: 'connections.manage', grantedBy: server.worlds.a.ownerId }),
    ])
    const one = `/grants/${items[0].id}`
    expect(await refused('DELETE', path(granted, one), clerk)).toBe('permission_denied')
    expect(await refused('DELETE', path(other, one), owner)).toBe('grant_not_found')
    expect((await call('DELETE', path(granted, one), owner)).body).toEqual({ revoked: true })
    expect((await call('POST', path(granted, '/pause'), clerk)).body.code).toBe('permission_denied')
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query(`select distinct action, outcome from rowhouse.control_audit where action ~ 'grant|role'`),
    )
    for (const action of ['connection.grant', 'connection.revoke_grant', 'role.set'])
      expect(rows).toContainEqual({ action, outcome: 'done' })
  })
})

describe('with the access check switched off', () => {
  it('who was granted one connection would manage the other', async () => {
    const open = await startTestServer(database(), { guards: { access: false, sameSite: true } })
    try {
      const bearer = await open.token(server.worlds.a.memberId)
      expect((await open.call('POST', path(other, '/pause'), { bearer })).body.state).toBe('paused')
    } finally {
      await open.stop()
    }
  })
})

describe('a connection that is removed', () => {
  it('is gone with its grants and letters, and audited; the other one stays', async () => {
    await call('POST', path(granted, '/grants'), owner, { permission: 'connections.manage', role: 'clerk' })
    expect((await call('DELETE', path(granted), clerk)).body).toEqual({ removed: true })
    expect((await call('GET', path(granted), owner)).body.code).toBe('connection_not_found')
    expect((await call('DELETE', path(granted), owner)).body.code).toBe('connection_not_found')
    expect(ids(await call('GET', `${organization()}/connections`, owner))).toEqual([other])
    expect(ids(await call('GET', `${organization()}/dead-letters`, owner))).toEqual([letters[other]])
    await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query(
        `select (select count(*)::int from rowhouse.connection_grants where connection_id = $1) as grants,
           (select count(*)::int from rowhouse.sync_removals) as unfinished`,
        [granted],
      )
      expect(rows).toEqual([{ grants: 0, unfinished: 0 }])
    })
  })
})
