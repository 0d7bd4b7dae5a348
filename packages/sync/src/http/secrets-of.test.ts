// Answers that repeat what they were asked with, over real HTTP: what a connector is given holds none of it.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpRequest } from '@rowhouse/connectors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Redact } from '../credentials/redact.ts'
import { EngineHttp } from './http.ts'

const token = 'the/access+token='
const secret = 'the client:secret'
const basic = Buffer.from(`app:${encodeURIComponent(secret)}`).toString('base64')

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

let server: Server
beforeAll(async () => {
  const repeat = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request)
    const { authorization = '' } = request.headers
    const decoded = [...new URLSearchParams(body).values()]
    const status = Number(new URL(request.url ?? '', 'http://x').searchParams.get('status') ?? 400)
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ message: 'Refused.', authorization, body, decoded, id: 'app' }))
  }
  server = createServer((request, response) => void repeat(request, response))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
})
afterAll(() => void server.close())

async function ask(request: HttpRequest, redact?: Redact): Promise<string> {
  const http = new EngineHttp({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokenUrl: null,
    accessToken: () => token,
    budgets: [],
    take: () => Promise.resolve({ granted: true }),
    timeoutMs: 5000,
    leftMs: null,
    budgetWaitMs: 0,
    wait: () => Promise.resolve(),
    now: Date.now,
    onAnswer: () => {},
    observe: () => {},
    ...(redact && { redact }),
  })
  const answer = await http.request(request)
  expect(answer.body).toMatchObject({ message: 'Refused.', id: 'app' })
  return JSON.stringify(answer.body)
}

const form = {
  grant_type: 'refresh_token',
  refresh_token: 'the refresh token',
  client_secret: secret,
  code: 'a code of use once',
}

describe('an answer that repeats', () => {
  it.each([200, 207, 400, 500])('the access token, with status %i, is read without it', async (status) => {
    const text = await ask({ method: 'GET', path: `/records?status=${status}` })
    expect(text).toContain('Bearer [removed]')
    expect(text).not.toContain(token)
  })

  it('the form of a token request is read without its secrets, and with the rest', async () => {
    const text = await ask({ method: 'POST', path: '/token', form, authorized: false })
    for (const value of [form.refresh_token, secret, form.code, 'the+refresh+token']) expect(text).not.toContain(value)
    expect(text).toContain('refresh_token')
  })

  it('Basic credentials is read without them, and without the secret in them', async () => {
    const headers = { authorization: `Basic ${basic}` }
    const path = `/token?status=401`
    const text = await ask({ method: 'POST', path, form: { token: secret }, headers, authorized: false })
    for (const value of [basic, secret, encodeURIComponent(secret)]) expect(text).not.toContain(value)
  })

  it('is as it came where a token endpoint grants: it may give the same refresh token again', async () => {
    const text = await ask({ method: 'POST', path: '/token?status=200', form, authorized: false })
    expect(text).toContain(form.refresh_token)
  })

  it('would hold them all, if nothing took them out', async () => {
    const keep: Redact = (text) => text
    expect(await ask({ method: 'GET', path: '/records' }, keep)).toContain(token)
    const headers = { authorization: `Basic ${basic}` }
    expect(await ask({ method: 'POST', path: '/token', form, headers, authorized: false }, keep)).toContain(basic)
  })
})
