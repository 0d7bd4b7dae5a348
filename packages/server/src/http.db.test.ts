// The edge: malformed requests, sessions, cross-site requests, webhooks, probes, the document, the console.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endpoints, errorBody } from '@rowhouse/contracts'
import { Validator } from '@seriousme/openapi-schema-validator'
import { useTestDatabase } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sync, WebhookCall } from './sync.ts'
import { startServer } from './index.ts'
import { operatorKey, startTestServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const database = useTestDatabase()
let server: TestServer
let site: string
const webhooks: WebhookCall[] = []

beforeAll(async () => {
  site = await mkdtemp(join(tmpdir(), 'rowhouse-site-'))
  await mkdir(join(site, 'assets'))
  await writeFile(join(site, 'index.html'), '<!doctype html><script>1</script><script src="/assets/a-1.js"></script>')
  await writeFile(join(site, 'assets/a-1.js'), 'export {}')
  server = await startTestServer(database(), { console: site, sync: recordingSync() })
})
afterAll(async () => {
  await server?.stop()
  await rm(site, { recursive: true, force: true })
})

/** Only what these tests reach: webhooks are recorded, the rest is empty. */
function recordingSync(): Sync {
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
    webhooks: {
      async receive(_connector, _connectionId, call) {
        webhooks.push(call)
        return call.headers['x-signature'] === 'right'
          ? { ok: true }
          : { ok: false, code: 'webhook_signature_invalid', reason: 'The signature is wrong.' }
      },
    },
    deadLetters: { list: async () => [], replay: none },
    conflicts: { list: async () => [] },
    worker: { start: none, stop: async () => {} },
    events: { subscribe: () => () => {} },
    close: async () => {},
  }
}

const sessionOf = (headers: Headers): string => (headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
const signIn = async (): Promise<string> =>
  sessionOf((await server.call('POST', '/v1/session', { body: { operatorKey } })).headers)

describe('errors', () => {
  it.each([
    ['an unknown path', 'GET', '/v1/nothing', {}, 404, 'not_found'],
    ['an unknown method', 'PATCH', '/v1/organizations', {}, 405, 'method_not_allowed'],
    [
      'malformed JSON',
      'POST',
      '/v1/session',
      { rawBody: '{', headers: { 'content-type': 'application/json' } },
      400,
      'validation_failed',
    ],
    [
      'invalid UTF-8',
      'POST',
      '/v1/session',
      { rawBody: new Uint8Array([0x22, 0xff, 0x22]), headers: { 'content-type': 'application/json' } },
      400,
      'validation_failed',
    ],
    [
      'a body that is not declared JSON',
      'POST',
      '/v1/session',
      { rawBody: '{}', headers: { 'content-type': 'text/plain' } },
      400,
      'validation_failed',
    ],
    ['a missing field', 'POST', '/v1/session', { body: {} }, 400, 'validation_failed'],
    [
      'a body too large',
      'POST',
      '/v1/session',
      { body: { operatorKey: 'x'.repeat(1_100_000) } },
      413,
      'payload_too_large',
    ],
    ['a bad query', 'GET', '/v1/organizations?limit=0', { bearer: operatorKey }, 400, 'validation_failed'],
    [
      'a parameter given twice',
      'GET',
      '/v1/organizations?limit=1&limit=2',
      { bearer: operatorKey },
      400,
      'validation_failed',
    ],
    ['a cursor that is none', 'GET', '/v1/organizations?cursor=x', { bearer: operatorKey }, 400, 'validation_failed'],
    [
      'an authorization that is no bearer',
      'GET',
      '/v1/me',
      { headers: { authorization: 'Basic eDp5' } },
      401,
      'unauthenticated',
    ],
    ['an id that is none', 'GET', "/v1/organizations/x'--", { bearer: operatorKey }, 404, 'organization_not_found'],
  ] as const)('%s', async (_name, method, path, options, status, code) => {
    const answer = await server.call(method, path, options)
    expect([answer.status, answer.body?.code]).toEqual([status, code])
    errorBody.parse(answer.body)
    expect(answer.headers.get('x-request-id')).toBe(answer.body.requestId)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })

  it('says which methods are allowed', async () => {
    const { headers } = await server.call('PATCH', '/v1/organizations')
    expect(headers.get('allow')).toBe('GET, POST')
  })

  it('a body that grows beyond the bound without a length is cut off', async () => {
    const response = await fetch(`${server.url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }),
      duplex: 'half',
    })
    expect(response.status).toBe(413)
  })

  it('a connection rests longer than proxies keep theirs: none is closed under a request', async () => {
    const { headers } = await server.call('GET', '/healthz')
    expect(headers.get('keep-alive')).toBe('timeout=65')
  })

  it('what is not HTTP gets the error shape too', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      let received = ''
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write('nonsense\r\n\r\n'))
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
      socket.on('close', () => resolve(received))
      socket.on('error', reject)
    })
    expect(errorBody.safeParse(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).success).toBe(true)
  })
})

describe('sessions', () => {
  it('an operator signs in, is known by the cookie, and signs out', async () => {
    const { headers, body } = await server.call('POST', '/v1/session', { body: { operatorKey } })
    expect(endpoints.signInAsOperator.response.parse(body).actor.kind).toBe('operator')
    expect(headers.getSetCookie()[0]).toMatch(
      /^rowhouse_session=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=43200$/,
    )
    const cookie = sessionOf(headers)
    expect((await server.call('GET', '/v1/me', { headers: { cookie } })).body.actor.kind).toBe('operator')
    const out = await server.call('DELETE', '/v1/session', { headers: { cookie, 'sec-fetch-site': 'same-origin' } })
    expect(out.headers.getSetCookie()[0]).toContain('Max-Age=0')
  })

  it('a cookie that was changed is no session', async () => {
    const cookie = await signIn()
    const changed = cookie.slice(0, -3) + (cookie.endsWith('AAA') ? 'BBB' : 'AAA')
    expect((await server.call('GET', '/v1/me', { headers: { cookie: changed } })).status).toBe(401)
  })

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['nowhere', {}],
  ])('a cookie sent from %s changes nothing', async (_name, headers) => {
    const cookie = await signIn()
    const body = { name: 'X', slug: 'crossed' }
    const refused = await server.call('POST', '/v1/organizations', { headers: { ...headers, cookie }, body })
    expect([refused.status, refused.body.code]).toEqual([403, 'cross_site_request'])
  })

  it('another site cannot sign a browser in', async () => {
    const { body } = await server.call('POST', '/v1/session', {
      body: { operatorKey },
      headers: { origin: 'https://evil.example' },
    })
    expect(body.code).toBe('cross_site_request')
  })

  it('with the check switched off, the other site succeeds', async () => {
    const open = await startTestServer(database(), { guards: { access: true, sameSite: false }, sync: recordingSync() })
    try {
      const cookie = sessionOf((await open.call('POST', '/v1/session', { body: { operatorKey } })).headers)
      const { status } = await open.call('POST', '/v1/organizations', {
        headers: { cookie, 'sec-fetch-site': 'cross-site' },
        body: { name: 'X', slug: 'crossed' },
      })
      expect(status).toBe(200)
    } finally {
      await open.stop()
    }
  })

  it('wrong operator keys are refused, then slowed down, whichever way they come', async () => {
    const slow = await startTestServer(database(), { sync: recordingSync() })
    try {
      const codes = []
      for (let attempt = 0; attempt < 11; attempt += 1) {
        const { body } =
          attempt % 2 === 0
            ? await slow.call('GET', '/v1/me', { bearer: 'wrong' })
            : await slow.call('POST', '/v1/session', { body: { operatorKey: 'wrong' } })
        codes.push(body.code)
      }
      expect(codes).toEqual([...Array<string>(10).fill('operator_key_wrong'), 'rate_limited'])
      const limited = await slow.call('GET', '/v1/me', {
        bearer: operatorKey,
        headers: { 'x-forwarded-for': '203.0.113.9' },
      })
      expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true])
    } finally {
      await slow.stop()
    }
  })
})

describe('webhooks', () => {
  const path = '/webhooks/hubspot/0195b7a2-1111-4222-8333-444455556666?x=1'

  it('come with the URL that was signed, whatever the request claims', async () => {
    const answer = await server.call('POST', path, {
      rawBody: '[1]',
      headers: { 'x-signature': 'right', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    })
    expect([answer.status, answer.body]).toEqual([202, { accepted: true }])
    expect(webhooks.at(-1)).toMatchObject({ method: 'POST', url: server.url + path })
    expect(Buffer.from(webhooks.at(-1)?.rawBody ?? []).toString()).toBe('[1]')
  })

  it.each([
    ['a wrong signature', path, '[]', 401, 'webhook_signature_invalid'],
    ['a body too large', path, 'x'.repeat(1_048_577), 413, 'payload_too_large'],
    ['a connection that is none', '/webhooks/hubspot/x', '[]', 404, 'connection_not_found'],
  ])('%s is refused', async (_name, path, rawBody, status, code) => {
    const answer = await server.call('POST', path, { rawBody })
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })
})

describe('the rest', () => {
  it('/openapi.json is valid OpenAPI 3.1 and lists every endpoint', async () => {
    const { body } = await server.call('GET', '/openapi.json')
    const result = await new Validator().validate(structuredClone(body))
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
    const operations = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>)
      .flatMap((methods) => Object.values(methods))
      .map(({ operationId }) => operationId)
    expect(new Set(operations)).toEqual(new Set([...Object.keys(endpoints), 'exportAuditLog', 'streamEvents']))
    const references = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference)
    const known = new Set(Object.keys(body.components.schemas).map((id) => `#/components/schemas/${id}`))
    expect(references.filter((reference) => !known.has(reference ?? ''))).toEqual([])
  })

  it('probes and metrics', async () => {
    expect((await server.call('GET', '/healthz')).body).toEqual({ status: 'up' })
    expect((await server.call('GET', '/readyz')).body.status).toBe('ready')
    const { text } = await server.call('GET', '/metrics')
    expect(text).toContain('rowhouse_http_request_duration_seconds_count{endpoint="healthz",method="GET",status="200"}')
    expect(text).not.toContain(server.worlds.a.organizationId)
  })

  it('serves the console: pages, hashed assets for a year, and nothing else', async () => {
    const page = await server.call('GET', '/organizations/abc')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self' 'sha256-[^']+'/)
    const asset = await server.call('GET', '/assets/a-1.js')
    expect(asset.headers.get('cache-control')).toContain('immutable')
    const etag = asset.headers.get('etag') ?? ''
    expect((await server.call('GET', '/assets/a-1.js', { headers: { 'if-none-match': etag } })).status).toBe(304)
    for (const path of ['/assets/gone.js', '/..%2f..%2fetc%2fpasswd.txt', '/v1', '/v1/other']) {
      expect((await server.call('GET', path)).body?.code).toBe('not_found')
    }
  })

  it('logs no secret and no tenant value', async () => {
    await server.call('GET', '/v1/organizations?search=private-words', { bearer: operatorKey })
    const text = JSON.stringify(server.log)
    expect(text).toContain('listOrganizations')
    expect(text).not.toContain('private-words')
    expect(text).not.toContain(operatorKey)
  })

  it('a port that is taken is said, and nothing stays open', async () => {
    const config = { ...server.config, port: Number(new URL(server.url).port) }
    await expect(startServer(config, { sync: recordingSync(), log: () => {} })).rejects.toMatchObject({
      code: 'port_in_use',
    })
  })

  it('a console that is not built is said', async () => {
    const start = startServer(server.config, { console: join(site, 'assets'), sync: recordingSync(), log: () => {} })
    await expect(start).rejects.toMatchObject({ code: 'invalid_option' })
  })

  it('a database that is not there is said', async () => {
    const config = { ...server.config, url: 'postgres://x:y@127.0.0.1:1/none' }
    await expect(startServer(config, { log: () => {} })).rejects.toMatchObject({ code: 'database_unreachable' })
  })
})
