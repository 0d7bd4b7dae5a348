import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ApiError, createClient } from './index.ts'
import type { EventsStatus } from './index.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function serve(handle: (request: IncomingMessage, response: ServerResponse, count: number) => void) {
  let count = 0
  const server = createServer((request, response) => handle(request, response, (count += 1)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

describe('a call', () => {
  it('sends method, escaped path, query, body and headers', async () => {
    const seen: unknown[] = []
    const baseUrl = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers.authorization, body])
        json(response, 200, { items: [], next: null })
      })
    })
    const client = createClient({ baseUrl: `${baseUrl}/`, headers: () => ({ authorization: 'Bearer k' }) })
    await client.listOrganizations()
    await client.listOrganizations({ query: { search: 'a&b', limit: 5 } })
    await client.replayDeadLetter({ params: { organizationId: 'a/b', deadLetterId: '7' } })
    await client.createOrganization({ body: { name: 'Acme', slug: 'acme' } })
    expect(seen).toEqual([
      ['GET', '/v1/organizations', 'Bearer k', ''],
      ['GET', '/v1/organizations?search=a%26b&limit=5', 'Bearer k', ''],
      ['POST', '/v1/organizations/a%2Fb/dead-letters/7/replay', 'Bearer k', ''],
      ['POST', '/v1/organizations', 'Bearer k', '{"name":"Acme","slug":"acme"}'],
    ])
  })

  it('refuses a parameter that would climb to another endpoint', async () => {
    const client = createClient({ baseUrl: 'http://127.0.0.1:1' })
    for (const organizationId of ['..', '.', '']) {
      await expect(client.getOrganization({ params: { organizationId } })).rejects.toMatchObject({
        code: 'invalid_option',
      })
    }
  })

  it("throws the server's error with code, message, hint and request id", async () => {
    const baseUrl = await serve((_, response) =>
      json(
        response,
        429,
        { code: 'rate_limited', message: 'Slow.', hint: 'Wait.', requestId: 'r1' },
        { 'retry-after': '7' },
      ),
    )
    const error = await createClient({ baseUrl })
      .getMe()
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      code: 'rate_limited',
      message: 'Slow.',
      hint: 'Wait.',
      requestId: 'r1',
      status: 429,
      retryAfterS: 7,
      retryable: true,
    })
  })

  it("tells a proxy's page and a dead server from the API's refusals", async () => {
    const baseUrl = await serve((_, response) => response.writeHead(502).end('<html>'))
    await expect(createClient({ baseUrl }).getMe()).rejects.toMatchObject({ code: 'answer_invalid', status: 502 })
    const okPage = await serve((_, response) => response.writeHead(200).end('<html>'))
    await expect(createClient({ baseUrl: okPage }).getMe()).rejects.toMatchObject({ code: 'answer_invalid' })
    await expect(createClient({ baseUrl: 'http://127.0.0.1:1' }).getMe()).rejects.toMatchObject({
      code: 'server_unreachable',
      retryable: true,
    })
  })

  it('rejects with the reason of its own abort', async () => {
    const baseUrl = await serve(() => {})
    const reason = new Error('left the page')
    const controller = new AbortController()
    const call = createClient({ baseUrl }).getMe({ signal: controller.signal })
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
  })
})

describe('events', () => {
  const quick = { retryMs: 1, retryMsMax: 2, random: () => 0 }
  const activity = (seq: number) =>
    `id: ${seq}\nevent: activity\ndata: ${JSON.stringify({ type: 'activity', organizationId: 'o', items: [seq] })}\n\n`

  it('reconnects after a cut with the last event id, skips what it does not know, ends on abort', async () => {
    const lastEventIds: unknown[] = []
    const baseUrl = await serve((request, response, count) => {
      lastEventIds.push(request.headers['last-event-id'])
      if (count === 2) {
        json(response, 503, { code: 'database_unreachable', message: 'm', requestId: 'r' })
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: {"type":"of the future"}\n\ndata: not json\n\n${activity(count)}`, () => {
        if (count === 1) response.destroy()
      })
    })
    const controller = new AbortController()
    const got: unknown[] = []
    const statuses: EventsStatus[] = []
    await createClient({ baseUrl }).events(
      { organizationId: 'o', signal: controller.signal },
      (event) => {
        got.push(event.type === 'activity' ? event.items : event)
        if (got.length === 2) controller.abort()
      },
      { ...quick, onStatus: (status) => statuses.push(status) },
    )
    expect(got).toEqual([[1], [3]])
    expect(lastEventIds).toEqual([undefined, '1', '1'])
    expect(statuses).toEqual(['connecting', 'open', 'waiting', 'connecting', 'waiting', 'connecting', 'open'])
  })

  it('ends with the refusal when the server refuses', async () => {
    const baseUrl = await serve((_, response) =>
      json(response, 404, { code: 'organization_not_found', message: 'm', requestId: 'r' }),
    )
    await expect(createClient({ baseUrl }).events({}, () => {}, quick)).rejects.toMatchObject({
      code: 'organization_not_found',
    })
  })

  it('takes silence beyond the bound for a lost connection', async () => {
    const controller = new AbortController()
    const baseUrl = await serve((_, response, count) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      if (count === 2) controller.abort()
    })
    await createClient({ baseUrl }).events({ signal: controller.signal }, () => {}, { ...quick, silenceMsMax: 20 })
    expect(controller.signal.aborted).toBe(true)
  })
})
