// What a person who is signed in may try beyond the own organization: to learn of others, to take what only
// operators give, and to have the server call machines they cannot reach.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorKey, startTestServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const database = useTestDatabase()
let server: TestServer
let bearer: string
beforeAll(async () => {
  server = await startTestServer(database())
  bearer = await server.token(server.worlds.a.ownerId)
})
afterAll(() => server?.stop())

describe('a person', () => {
  it("learns nothing of another organization's name by paging from it", async () => {
    await withClient(database().controlUrl, async (control) => {
      const rename = (id: string, name: string) =>
        control.query('update rowhouse.organizations set name = $2 where id = $1', [id, name])
      await rename(server.worlds.a.organizationId, 'M')
      const answers: unknown[] = []
      for (const name of ['A', 'Z']) {
        await rename(server.worlds.b.organizationId, name)
        const { body } = await server.call('GET', `/v1/organizations?cursor=${server.worlds.b.organizationId}`, {
          bearer,
        })
        answers.push(body)
      }
      expect(answers).toEqual([
        { items: [], next: null },
        { items: [], next: null },
      ])
    })
  })

  it('cannot give an organization a plan', async () => {
    const body = { name: 'Planned', slug: 'planned', plan: 'standard' }
    const { status, body: answer } = await server.call('POST', '/v1/organizations', { bearer, body })
    expect([status, answer.code]).toEqual([403, 'permission_denied'])
    expect((await server.call('POST', '/v1/organizations', { bearer: operatorKey, body })).status).toBe(200)
  })

  it('cannot have the server call a machine behind it; an operator can', async () => {
    let calls = 0
    const inner = createServer((_request, response) => {
      calls += 1
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"portalId": 1}')
    })
    await new Promise<void>((resolve) => {
      inner.listen(0, '127.0.0.1', resolve)
    })
    const url = `http://127.0.0.1:${(inner.address() as AddressInfo).port}`
    const path = `/v1/organizations/${server.worlds.a.organizationId}/connections`
    try {
      for (const field of ['baseUrl', 'tokenUrl']) {
        const { status, body } = await server.call('POST', path, {
          bearer,
          body: { connector: 'hubspot', accessToken: 'x', [field]: url },
        })
        expect([status, body.code, body.details.issues[0].path]).toEqual([400, 'validation_failed', field])
      }
      expect(calls).toBe(0)
      await server.call('POST', path, {
        bearer: operatorKey,
        body: { connector: 'hubspot', accessToken: 'x', baseUrl: url },
      })
      expect(calls).toBeGreaterThan(0)
    } finally {
      inner.closeAllConnections()
      inner.close()
    }
  })

  it('is not slowed down by guesses at the operator key from the same address', async () => {
    const other = await startTestServer(database())
    try {
      for (let attempt = 0; attempt < 11; attempt += 1) await other.call('GET', '/v1/me', { bearer: 'wrong' })
      expect((await other.call('GET', '/v1/me', { bearer: operatorKey })).body.code).toBe('rate_limited')
      const person = await other.token(other.worlds.a.ownerId)
      expect((await other.call('GET', '/v1/me', { bearer: person })).status).toBe(200)
    } finally {
      await other.stop()
    }
  })
})

describe('text that no database keeps', () => {
  it.each([
    ['a name with U+0000', 'POST', '/v1/organizations', { name: 'a\0b', slug: 'zero' }, 'name'],
    ['a name with half a surrogate pair', 'POST', '/v1/organizations', { name: 'a\uD800', slug: 'half' }, 'name'],
    ['a plan with U+0000', 'POST', '/v1/organizations', { name: 'a', slug: 'plan', plan: '\0' }, 'plan'],
    ['a search for U+0000', 'GET', '/v1/organizations?search=a%00', undefined, 'search'],
  ] as const)('%s is refused by name', async (_what, method, path, body, field) => {
    const answer = await server.call(method, path, { bearer, ...(body === undefined ? {} : { body }) })
    expect([answer.status, answer.body.code, answer.body.details.issues[0].path]).toEqual([
      400,
      'validation_failed',
      field,
    ])
  })

  it('in a filter of the activity', async () => {
    const path = `/v1/organizations/${server.worlds.a.organizationId}/activity`
    expect((await server.call('GET', `${path}?recordId=%00`, { bearer })).body.code).toBe('validation_failed')
  })

  it('a body nested beyond all measure is refused like any other', async () => {
    const rawBody = `{"name":${'['.repeat(400_000)}${']'.repeat(400_000)}}`
    const answer = await server.call('POST', '/v1/organizations', {
      bearer,
      rawBody,
      headers: { 'content-type': 'application/json' },
    })
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed'])
  })
})
