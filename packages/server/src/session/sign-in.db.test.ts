// Signing in as a person, through a real issuer: from the console's link to a session, and every way it
// must fail.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startIssuer } from '@rowhouse/embedded'
import type { Issuer } from '@rowhouse/embedded'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const publicUrl = 'http://console.example'
const ada = { id: '0a0a0a0a-0000-4000-8000-000000000001', email: 'ada@acme.example', name: 'Ada Okafor' }
const database = useTestDatabase()
let folder: string
let issuer: Issuer
let server: TestServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-sign-in-'))
  issuer = await startIssuer({
    port: 0,
    users: [ada],
    clients: [{ clientId: 'rowhouse-console', redirectUris: [`${publicUrl}/v1/session/callback`] }],
    keysFile: join(folder, 'keys.json'),
    audience: 'rowhouse',
  })
  server = await startTestServer(database(), {
    config: {
      publicUrl,
      issuer: {
        issuer: issuer.issuer,
        jwksUrl: issuer.jwksUrl,
        audience: 'rowhouse',
        clientId: 'rowhouse-console',
        clientSecret: null,
      },
    },
  })
  await withClient(database().controlUrl, (control) =>
    control.query(`insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'owner')`, [
      server.worlds.a.organizationId,
      ada.id,
    ]),
  )
})
afterAll(async () => {
  await server?.stop()
  await issuer?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Clicks a person on the issuer's page. @returns the address the browser is sent back to */
async function click(location: string, user: string): Promise<string> {
  const jar = new Map<string, string>()
  const go = async (address: string, body?: URLSearchParams): Promise<Response> => {
    const response = await fetch(address, {
      ...(body === undefined ? {} : { method: 'POST', body }),
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    return response
  }
  let response = await go(location)
  for (let hop = 0; hop < 10; hop += 1) {
    const next = response.headers.get('location')
    if (next?.startsWith(publicUrl)) return next
    if (next === null) {
      const action = /action="([^"]+)"/.exec(await response.text())?.[1] ?? ''
      response = await go(new URL(action, issuer.issuer).href, new URLSearchParams({ user }))
    } else {
      response = await go(new URL(next, issuer.issuer).href)
    }
  }
  throw new Error('The issuer never sent the browser back.')
}

const start = async (returnTo: string): Promise<{ location: string; cookie: string }> => {
  const { status, headers } = await server.call('GET', `/v1/session/start?returnTo=${encodeURIComponent(returnTo)}`)
  expect(status).toBe(302)
  return { location: headers.get('location') ?? '', cookie: (headers.getSetCookie()[0] ?? '').split(';')[0] ?? '' }
}
const finish = (callback: string, cookie: string) =>
  server.call('GET', callback.slice(publicUrl.length), { headers: { cookie } })

describe('signing in as a person', () => {
  it('ends with a session of that person, at the page they came from', async () => {
    const methods = await server.call('GET', '/v1/session/methods')
    expect(methods.body).toEqual({
      operatorKey: true,
      signedIn: false,
      identityProvider: { startUrl: '/v1/session/start', label: 'the sign-in of this computer' },
    })
    const { location, cookie } = await start('/organizations/x?tab=feed')
    expect(new URL(location).searchParams.get('code_challenge_method')).toBe('S256')
    const { status, headers } = await finish(await click(location, ada.id), cookie)
    expect([status, headers.get('location')]).toEqual([302, '/organizations/x?tab=feed'])
    const session =
      (headers.getSetCookie().find((line) => line.startsWith('rowhouse_session=')) ?? '').split(';')[0] ?? ''
    const { body } = await server.call('GET', '/v1/me', { headers: { cookie: session } })
    expect(body).toMatchObject({
      actor: { kind: 'user', userId: ada.id, email: ada.email, name: ada.name },
      memberships: [{ organizationId: server.worlds.a.organizationId, role: 'owner' }],
    })
    const other = await server.call('GET', `/v1/organizations/${server.worlds.b.organizationId}`, {
      headers: { cookie: session },
    })
    expect(other.body.code).toBe('organization_not_found')
  })

  it('is refused in a browser that did not begin it', async () => {
    const { location } = await start('/')
    const callback = await click(location, ada.id)
    expect((await finish(callback, '')).body.code).toBe('sign_in_failed')
    const another = await start('/')
    expect((await finish(callback, another.cookie)).body.code).toBe('sign_in_failed')
  })

  it('is refused with a code that was used', async () => {
    const { location, cookie } = await start('/')
    const callback = await click(location, ada.id)
    expect((await finish(callback, cookie)).status).toBe(302)
    expect((await finish(callback, cookie)).body.code).toBe('sign_in_failed')
  })

  it('a sign-in cookie is no session', async () => {
    const { cookie } = await start('/')
    const renamed = cookie.replace('rowhouse_sign_in', 'rowhouse_session')
    expect((await server.call('GET', '/v1/me', { headers: { cookie: renamed } })).status).toBe(401)
  })
})
