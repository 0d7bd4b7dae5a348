// One request, one call: what the plain HTTP does with answers that are not answers.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { textLengthMax } from './body.ts'
import { createHttp } from './create-http.ts'

let server: Server
let baseUrl = ''
let answer: (request: IncomingMessage, response: ServerResponse) => void
const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it('sends JSON with the token, and parses JSON', async () => {
  answer = (_, response) => response.writeHead(201, { 'X-Thing': 'a' }).end('{"id":1}')
  const http = createHttp({ baseUrl: `${baseUrl}/base/`, accessToken: 'secret' })
  const got = await http.request({ method: 'POST', path: '/a?b=c', json: { x: 'ü' } })
  expect(got).toMatchObject({ status: 201, headers: { 'x-thing': 'a' }, body: { id: 1 } })
  expect(seen.at(-1)).toMatchObject({ method: 'POST', url: '/base/a?b=c', body: '{"x":"ü"}' })
  expect(seen.at(-1)!.headers).toMatchObject({ authorization: 'Bearer secret', 'content-type': 'application/json' })
})

it('sends forms without the token where it is not wanted', async () => {
  answer = (_, response) => response.writeHead(204).end()
  const http = createHttp({ baseUrl, accessToken: 'secret' })
  const got = await http.request({ method: 'POST', path: '/token', form: { a: 'b c' }, authorized: false })
  expect(got).toMatchObject({ status: 204, body: null })
  expect(seen.at(-1)!.body).toBe('a=b+c')
  expect(seen.at(-1)!.headers).not.toHaveProperty('authorization')
})

it('cuts pages of text', async () => {
  answer = (_, response) => response.writeHead(502).end('<'.repeat(textLengthMax + 10))
  const got = await createHttp({ baseUrl }).request({ method: 'GET', path: '/' })
  expect(got.body).toHaveLength(textLengthMax)
})

it('follows no redirect, and calls no other origin', async () => {
  answer = (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  const http = createHttp({ baseUrl, accessToken: 'secret' })
  expect(await http.request({ method: 'GET', path: '/' })).toMatchObject({ status: 302 })
  const elsewhere = baseUrl.replace('http://127.0.0.1', 'localhost')
  expect(await http.request({ method: 'GET', path: `http://${elsewhere}/` })).toMatchObject({ status: 0 })
  expect(await http.request({ method: 'GET', path: `@${elsewhere}/` })).toMatchObject({ status: 0 })
})

it('gives status 0 when the answer is cut off, late, or nobody listens', async () => {
  answer = (request) => void request.socket.destroy()
  expect(await createHttp({ baseUrl }).request({ method: 'GET', path: '/' })).toMatchObject({ status: 0 })
  answer = () => undefined
  expect(await createHttp({ baseUrl, timeoutMs: 1 }).request({ method: 'GET', path: '/' })).toMatchObject({ status: 0 })
  const nobody = createHttp({ baseUrl: 'http://127.0.0.1:1' })
  expect(await nobody.request({ method: 'GET', path: '/' })).toMatchObject({ status: 0 })
})
