// The API for organizations that live outside the catalogue's tables: what it changes is true in the home when it answers,
// or it says that it is not; what it knows of an organization does not need the home.
import { randomUUID } from 'node:crypto'
import { useHomes, withClient } from '@rowhouse/testkit'
import type { Tenant } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { operatorKey, startTestServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const soon = { timeout: 60_000, interval: 50 }

describe.each(['schema', 'database'] as const)('an organization in a home of its own (%s)', (model) => {
  const homes = useHomes(model)
  let server: TestServer
  const path = (tenant: Tenant): string => `/v1/organizations/${tenant.organizationId}`
  const as = (tenant: Tenant) =>
    homes().open().as({ organizationId: tenant.organizationId, userId: tenant.ownerId }).query('select from notes')

  beforeAll(async () => {
    server = await startTestServer(homes().database)
  })
  afterAll(() => server.stop())

  it('shows its people, its activity and its invitations', async () => {
    const { a } = homes()
    const bearer = await server.token(a.ownerId)
    const members = await server.call('GET', `${path(a)}/members`, { bearer })
    expect(members.body.items.map(({ userId }: { userId: string }) => userId).toSorted()).toEqual(
      [a.ownerId, a.memberId, a.viewerId].toSorted(),
    )
    const invitation = { bearer, body: { email: 'ann@example.com', role: 'member' } }
    expect((await server.call('POST', `${path(a)}/invitations`, invitation)).status).toBe(200)
    expect((await server.call('GET', `${path(a)}/invitations`, { bearer })).body.items).toHaveLength(1)
    const activity = await server.call('GET', `${path(a)}/activity`, { bearer })
    // The notes are written by its owner, in its home.
    expect(activity.body.items.length).toBeGreaterThan(0)
    const stranger = await server.token(homes().b.ownerId)
    expect((await server.call('GET', path(a), { bearer: stranger })).body.code).toBe('organization_not_found')
  })

  it('tells of a change whether a CRM has to hear of it, as one that shares the tables does', async () => {
    const { a, b } = homes()
    const mapping = [{ object: 'note', table: 'notes', fields: [], references: [], matchBy: [] }]
    await homes().changeCatalogue(
      `insert into rowhouse.connections (organization_id, connector, account, base_url, mapping)
       values ($1, 'hubspot', '1', 'http://127.0.0.1:9', $2)`,
      [a.organizationId, JSON.stringify(mapping)],
    )
    const newest = async ({ organizationId, ownerId }: Tenant) => {
      const bearer = await server.token(ownerId)
      const { body } = await server.call('GET', `/v1/organizations/${organizationId}/activity`, { bearer })
      return body.items[0]
    }
    expect(await newest(a)).toMatchObject({
      table: 'notes',
      direction: 'outbound',
      status: 'pending',
      connector: 'hubspot',
    })
    expect(await newest(b)).toMatchObject({ table: 'notes', direction: 'local', status: 'logged', connector: null })
  })

  it('lets in at once whoever accepts an invitation', async () => {
    const { a, database } = homes()
    const [userId, email] = [randomUUID(), `${randomUUID()}@example.com`]
    await withClient(database.controlUrl, (control) =>
      control.query('insert into rowhouse.users (id, email, email_verified_at) values ($1, $2, now())', [
        userId,
        email,
      ]),
    )
    const bearer = await server.token(a.ownerId)
    const made = await server.call('POST', `${path(a)}/invitations`, { bearer, body: { email, role: 'member' } })
    const accepted = await server.call('POST', '/v1/invitations/accept', {
      bearer: await server.token(userId),
      body: { token: made.body.token },
    })
    expect(accepted.body).toEqual({ organizationId: a.organizationId })
    const acme = homes()
      .open({ placement: { copyWaitMs: 0 } })
      .as({ organizationId: a.organizationId, userId })
    expect((await acme.query('select from notes')).rowCount).toBe(3)
  })

  it('is suspended and resumed by the time the API answers', async () => {
    const { a, b } = homes()
    expect((await server.call('POST', `${path(a)}/suspend`, { bearer: operatorKey })).body.status).toBe('suspended')
    await expect(as(a)).rejects.toMatchObject({ code: 'organization_suspended' })
    expect((await as(b)).rowCount).toBe(3)
    expect((await server.call('POST', `${path(a)}/resume`, { bearer: operatorKey })).body.status).toBe('active')
    expect((await as(a)).rowCount).toBe(3)
  })
})

describe('an organization whose home does not answer', () => {
  const homes = useHomes('database')
  let server: TestServer

  beforeAll(async () => {
    server = await startTestServer(homes().database)
  })
  afterAll(() => server.stop())

  it('is changed in the catalogue, the API says what is pending, and the worker goes on until the home knows', async () => {
    const { a, database } = homes()
    const path = `/v1/organizations/${a.organizationId}`
    const { hostname, port } = new URL(database.adminUrl)
    await homes().changeCatalogue(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('far', 'far', '127.0.0.1', 1, 'off')`,
    )
    await homes().changeCatalogue(`update rowhouse.placements set cluster = 'far' where organization_id = $1`, [
      a.organizationId,
    ])
    const answer = await server.call('POST', `${path}/suspend`, { bearer: operatorKey })
    expect([answer.status, answer.body.code, answer.body.details]).toEqual([
      503,
      'copy_pending',
      { organizationId: a.organizationId, reason: 'home_unreachable' },
    ])
    // What the catalogue knows needs no home.
    expect((await server.call('GET', path, { bearer: operatorKey })).body.status).toBe('suspended')
    expect((await server.call('GET', `${path}/members`, { bearer: operatorKey })).body.items).toHaveLength(3)
    const failures = () => server.log.filter((event) => JSON.stringify(event).includes('home_unreachable'))
    await vi.waitFor(() => expect(failures()).not.toEqual([]), soon)

    const statusAtHome = (): Promise<unknown> =>
      withClient(a.home?.controlUrl ?? '', async (control) => {
        const { rows } = await control.query<{ status: string }>(
          'select status from rowhouse.organizations where id = $1',
          [a.organizationId],
        )
        return rows[0]?.status
      })
    expect(await statusAtHome()).toBe('active')
    // It is back; nobody asks for anything.
    await homes().changeCatalogue(`update rowhouse.clusters set host = $1, port = $2 where id = 'far'`, [
      hostname,
      Number(port),
    ])
    await vi.waitFor(async () => expect(await statusAtHome()).toBe('suspended'), soon)
    await vi.waitFor(async () => {
      const { rows } = await withClient(database.controlUrl, (control) =>
        control.query('select from rowhouse.copies_due'),
      )
      expect(rows).toEqual([])
    }, soon)
    expect((await server.call('POST', `${path}/resume`, { bearer: operatorKey })).status).toBe(200)
  })
})
