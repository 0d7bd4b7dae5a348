// What a refusal tells whom: an operator where the servers are and why, everybody else that it is so. And requests that no
// browser of ours sends: to every endpoint from another site, and with paths that no database takes.
import { endpoints } from '@rowhouse/contracts'
import type { Endpoint } from '@rowhouse/contracts'
import { useHomes } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { toPublicError } from './http/errors.ts'
import { operatorKey, startTestServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const homes = useHomes('schema')
let server: TestServer
let cookie: string

const all: Endpoint[] = Object.values(endpoints)
const unsafe = all.filter(({ method }) => method !== 'GET')
/** Some value for each parameter; none of these requests gets as far as to look at it. */
const fill = ({ path }: Pick<Endpoint, 'path'>, value: string): string => path.replaceAll(/:\w+/g, value)

beforeAll(async () => {
  server = await startTestServer(homes().database)
  const { headers } = await server.call('POST', '/v1/session', { body: { operatorKey } })
  cookie = (headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
})
afterAll(() => server?.stop())

describe('a request that another site has a browser send', () => {
  it.each(unsafe)('$id is refused, though the session is an operator’s', async (endpoint) => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      const answer = await server.call(endpoint.method, fill(endpoint, 'x'), { headers: { cookie, ...headers } })
      expect([answer.status, answer.body.code]).toEqual([403, 'cross_site_request'])
    }
  })
})

describe('a path with a character that no database keeps', () => {
  const named = all.filter(({ path }) => path.replace(':organizationId', '').includes(':'))
  it.each(named)('$id says so, and is no fault of the server', async (endpoint) => {
    const path = fill({ path: endpoint.path.replace(':organizationId', homes().a.organizationId) }, '%00')
    const answer = await server.call(endpoint.method, path, { bearer: operatorKey })
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed'])
  })
})

describe('what a person is told of servers', () => {
  /** How the home of A is called, and what it is on. */
  const secrets = (): string[] => {
    const { home } = homes().a
    return [home?.login ?? '', home?.schemaName ?? '', 'a-cluster-that-is-gone', '127.0.0.1:1']
  }
  const namesNone = (text: string): void => {
    for (const secret of secrets()) expect(text).not.toContain(secret)
  }

  beforeAll(async () => {
    await homes().changeCatalogue(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('a-cluster-that-is-gone', 'far', '127.0.0.1', 1, 'off')`,
    )
  })

  it('is nothing, where the home of their organization does not answer; an operator learns all', async () => {
    const { a } = homes()
    await homes().changeCatalogue(
      `update rowhouse.placements set cluster = 'a-cluster-that-is-gone' where organization_id = $1`,
      [a.organizationId],
    )
    const path = `/v1/organizations/${a.organizationId}/activity`
    const bearer = await server.token(a.ownerId)
    // A server that has been there before hears of it within a second.
    await expect.poll(async () => (await server.call('GET', path, { bearer })).status, { timeout: 60_000 }).toBe(503)
    const person = await server.call('GET', path, { bearer })
    expect([person.status, person.body.code]).toEqual([503, 'home_unreachable'])
    expect(person.body.details).toEqual({ organizationId: a.organizationId })
    namesNone(person.text)
    const operator = await server.call('GET', path, { bearer: operatorKey })
    expect(operator.body).toMatchObject({ code: 'home_unreachable', details: { cluster: 'a-cluster-that-is-gone' } })
    await homes().changeCatalogue(`update rowhouse.placements set cluster = 'main' where organization_id = $1`, [
      a.organizationId,
    ])
  })

  it('is nothing, where no cluster can make the home of a new organization', async () => {
    await homes().changeCatalogue(
      `update rowhouse.plans set isolation = 'database', cluster = 'a-cluster-that-is-gone' where id = 'standard'`,
    )
    const bearer = await server.token(homes().a.ownerId)
    const body = { name: 'Cedar', slug: 'cedar' }
    const person = await server.call('POST', '/v1/organizations', { bearer, body })
    expect(person.status).toBeGreaterThanOrEqual(500)
    namesNone(person.text)
    const operator = await server.call('POST', '/v1/organizations', { bearer: operatorKey, body })
    expect(operator.body.code).toBe(person.body.code)
    expect(operator.text).toContain('a-cluster-that-is-gone')
    await homes().changeCatalogue(
      `update rowhouse.plans set isolation = 'shared', cluster = null where id = 'standard'`,
    )
  })

  it('would be all of it without the list of codes', async () => {
    const { RowhouseError } = await import('@rowhouse/contracts')
    const error = new RowhouseError('home_unreachable', `The home at ${secrets().join()}`, { details: { login: 'x' } })
    expect(toPublicError(error, 'operator')).toBe(error)
    for (const caller of ['user', 'anonymous'] as const) {
      const told = toPublicError(error, caller)
      namesNone(told.message)
      expect(told.details).toEqual({})
    }
  })
})

describe('an operator', () => {
  const call = (method: string, path: string, body: unknown) => server.call(method, path, { bearer: operatorKey, body })

  it.each([
    ['a URL that is none', 'POST', '/v1/clusters', { id: 'odd', url: 'nonsense' }],
    ['another scheme', 'POST', '/v1/clusters', { id: 'odd', url: 'http://a:b@localhost/x' }],
    ['a URL that is none, of a cluster that is there', 'PATCH', '/v1/clusters/main', { url: 'nonsense' }],
    ['a plan with an id that is none', 'PUT', '/v1/plans/No%20Plan', { isolation: 'shared' }],
  ])('is told that what they gave is wrong, and not that the server is: %s', async (_what, method, path, body) => {
    const answer = await call(method, path, body)
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed'])
    expect(answer.text).not.toContain('a:b')
  })
})
