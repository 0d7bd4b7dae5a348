// What the Management API's client says of its secrets when the other side misbehaves: nothing, to nobody.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'

import { supabaseApi } from './supabase-api.ts'

const [accessToken, password] = ['sbp_0123456789abcdef', 'a-password-of-a-project']
const servers: Server[] = []

async function serve(answer: (body: string, request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      answer(body, request, response)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const create = (baseUrl: string): Promise<unknown> =>
  supabaseApi({ baseUrl, accessToken, fetch, sleep: () => Promise.resolve() }).create({
    name: 'h-0123456789abcdef',
    organization_slug: 'acme',
    db_pass: password,
    region_selection: { type: 'specific', code: 'eu-central-1' },
  })

it('a refusal that repeats what it was asked with tells neither password nor token', async () => {
  const url = await serve((body, request, response) => {
    response.writeHead(400).end(JSON.stringify({ message: `Bad: ${body} ${request.headers.authorization}` }))
  })
  const error = (await create(url).catch((failure: unknown) => failure)) as Error
  expect(error.message).toContain('Bad: ')
  expect(error.message).toContain('eu-central-1')
  expect(error.message).not.toContain(password)
  expect(error.message).not.toContain(accessToken)
})

it('a password follows no redirect; fetch by itself would take it along', async () => {
  const seen: string[] = []
  const elsewhere = await serve((body, _request, response) => {
    seen.push(body)
    response.writeHead(500).end()
  })
  const url = await serve((_body, request, response) => {
    response.writeHead(307, { location: elsewhere + (request.url ?? '') }).end()
  })
  await expect(create(url)).rejects.toMatchObject({ code: 'supabase_unreachable' })
  expect(seen).toEqual([])
  await fetch(url, { method: 'POST', body: password })
  expect(seen).toEqual([password])
})
