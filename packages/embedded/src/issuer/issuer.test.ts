// The whole flow as a console's server does it, with openid-client over HTTP, and as a browser does it: cookies kept, redirects followed.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startIssuer } from './issuer.ts'
import type { Issuer, IssuerOptions } from './issuer.ts'

const ada = {
  id: '0a0a0a0a-0000-4000-8000-000000000001',
  email: 'ada@acme.example',
  name: 'Ada "<b>" Okafor',
  organizationId: '11111111-1111-4111-8111-111111111111',
}
const bruno = { id: '0a0a0a0a-0000-4000-8000-000000000002', email: 'bruno@birch.example', name: 'Bruno Keller' }
const redirectUri = 'http://127.0.0.1:4400/v1/session/callback'

let folder: string
let issuers: Issuer[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowhouse-issuer-'))
  issuers = []
})

afterEach(async () => {
  await Promise.all(issuers.map((issuer) => issuer.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function start(change: Partial<IssuerOptions> = {}): Promise<Issuer> {
  const issuer = await startIssuer({
    port: 0,
    users: [ada, bruno],
    clients: [
      { clientId: 'rowhouse-console', redirectUris: [redirectUri], postLogoutRedirectUris: ['http://127.0.0.1:4400/'] },
    ],
    keysFile: join(folder, 'keys.json'),
    audience: 'rowhouse',
    ...change,
  })
  issuers.push(issuer)
  return issuer
}

/** A browser with nothing but a cookie jar. Stops at the first address that is not the issuer's. */
function makeBrowser(origin: string) {
  const jar = new Map<string, string>()
  const browser = {
    async open(address: string, init: { method?: string; body?: URLSearchParams } = {}): Promise<Response> {
      let response: Response | undefined
      let next = address
      for (let hop = 0; hop < 10; hop++) {
        const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
        response = await fetch(next, {
          ...(hop === 0 && init),
          redirect: 'manual',
          headers: { cookie },
        })
        for (const line of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          jar.set(name, value)
        }
        const location = response.headers.get('location')
        if (location === null) return response
        next = new URL(location, next).href
        if (!next.startsWith(origin)) return new Response(null, { status: 302, headers: { location: next } })
      }
      throw new Error('too many redirects')
    },
    async choose(page: Response, user: string): Promise<Response> {
      const action = /action="([^"]+)"/.exec(await page.text())?.[1] ?? ''
      return await browser.open(new URL(action, origin).href, { method: 'POST', body: new URLSearchParams({ user }) })
    },
  }
  return browser
}

async function discover(issuer: Issuer, secret?: string) {
  return await client.discovery(
    new URL(issuer.issuer),
    'rowhouse-console',
    undefined,
    secret === undefined ? client.None() : client.ClientSecretBasic(secret),
    { execute: [client.allowInsecureRequests] },
  )
}

async function signIn(issuer: Issuer, user: string, secret?: string, browser = makeBrowser(issuer.url)) {
  const configuration = await discover(issuer, secret)
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const address = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const back = await browser.choose(await browser.open(address.href), user)
  return await client.authorizationCodeGrant(configuration, new URL(back.headers.get('location') ?? ''), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  })
}

async function verify(issuer: Issuer, token: string) {
  const keys = createRemoteJWKSet(new URL(issuer.jwksUrl))
  return (await jwtVerify(token, keys, { issuer: issuer.issuer, audience: 'rowhouse', algorithms: ['RS256'] })).payload
}

describe('signing in', () => {
  it('gives a JWT for the audience and an ID token that names the person', async () => {
    const issuer = await start()
    const tokens = await signIn(issuer, ada.id)
    expect(await verify(issuer, tokens.access_token)).toMatchObject({
      sub: ada.id,
      aud: 'rowhouse',
      email: ada.email,
      name: ada.name,
      app_metadata: { organization_id: ada.organizationId },
    })
    expect(tokens.claims()).toMatchObject({ sub: ada.id, email: ada.email, name: ada.name })
  })

  it('asks who it is every time, so that one can switch', async () => {
    const issuer = await start()
    const browser = makeBrowser(issuer.url)
    expect((await signIn(issuer, ada.id, undefined, browser)).claims()?.sub).toBe(ada.id)
    expect((await signIn(issuer, bruno.id, undefined, browser)).claims()?.sub).toBe(bruno.id)
  })

  it('takes a client with a secret, and refuses it without', async () => {
    const clients = [{ clientId: 'rowhouse-console', clientSecret: 'a'.repeat(32), redirectUris: [redirectUri] }]
    const issuer = await start({ clients })
    expect((await signIn(issuer, ada.id, 'a'.repeat(32))).claims()?.sub).toBe(ada.id)
    await expect(signIn(issuer, ada.id, 'b'.repeat(32))).rejects.toMatchObject({ status: 401 })
    await expect(signIn(issuer, ada.id)).rejects.toMatchObject({ error: 'invalid_client' })
  })

  it('shows a page without scripts or outside files, with names escaped', async () => {
    const issuer = await start()
    const page = await makeBrowser(issuer.url).open(await authorizationAddress(issuer))
    const html = await page.text()
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' http://127.0.0.1:4400")
    expect(html).toContain('<html lang="en">')
    expect(html).toContain('Ada &quot;&lt;b&gt;&quot; Okafor')
    expect(html).not.toMatch(/<script|src=|<link|https?:/)
  })
})

describe('signing out', () => {
  it('asks, and goes back to where the client said', async () => {
    const issuer = await start()
    const browser = makeBrowser(issuer.url)
    await signIn(issuer, ada.id, undefined, browser)
    const address = client.buildEndSessionUrl(await discover(issuer), {
      post_logout_redirect_uri: 'http://127.0.0.1:4400/',
    })
    const html = await (await browser.open(address.href)).text()
    expect(html).toContain('Sign out?')
    const action = /action="([^"]+)"/.exec(html)?.[1] ?? ''
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
    const body = new URLSearchParams({ xsrf, logout: 'yes' })
    const back = await browser.open(action, { method: 'POST', body })
    expect(back.headers.get('location')).toBe('http://127.0.0.1:4400/')
  })
})

describe('refusals', () => {
  it('of a request without PKCE, for another address, or for an unknown audience', async () => {
    const issuer = await start()
    const browser = makeBrowser(issuer.url)
    const noPkce = await browser.open(
      await authorizationAddress(issuer, { code_challenge: '', code_challenge_method: '' }),
    )
    expect(noPkce.headers.get('location')).toContain('error=invalid_request')
    const elsewhere = await browser.open(await authorizationAddress(issuer, { redirect_uri: 'http://evil.example/' }))
    expect([elsewhere.status, elsewhere.headers.get('location')]).toEqual([400, null])
    expect(await elsewhere.text()).toContain('redirect_uri')
    const resource = await browser.open(await authorizationAddress(issuer, { resource: 'https://other.example' }))
    expect(resource.headers.get('location')).toContain('error=invalid_target')
  })

  it('of a sign-in without a page, because nobody is remembered', async () => {
    const issuer = await start()
    const browser = makeBrowser(issuer.url)
    await signIn(issuer, ada.id, undefined, browser)
    const back = await browser.open(await authorizationAddress(issuer, { prompt: 'none' }))
    expect(back.headers.get('location')).toContain('error=login_required')
  })

  it('of a code used twice', async () => {
    const issuer = await start()
    const configuration = await discover(issuer)
    const verifier = client.randomPKCECodeVerifier()
    const browser = makeBrowser(issuer.url)
    const address = await authorizationAddress(issuer, {
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
    })
    const back = await browser.choose(await browser.open(address), ada.id)
    const exchange = () =>
      client.authorizationCodeGrant(configuration, new URL(back.headers.get('location') ?? ''), {
        pkceCodeVerifier: verifier,
      })
    await exchange()
    await expect(exchange()).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  it('of somebody who is not on the list, and of a sign-in in another browser', async () => {
    const issuer = await start()
    const browser = makeBrowser(issuer.url)
    const page = await browser.open(await authorizationAddress(issuer))
    const html = await page.text()
    expect((await browser.choose(new Response(html), 'nobody')).status).toBe(400)
    const other = await makeBrowser(issuer.url).choose(new Response(html), ada.id)
    expect([other.status, other.headers.get('location')]).toEqual([400, null])
  })

  it('of another host name, as a rebound DNS name would send', async () => {
    const issuer = await start()
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        `${issuer.url}/.well-known/openid-configuration`,
        { headers: { host: 'evil.example' } },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      sent.on('error', reject).end()
    })
    expect(status).toBe(421)
  })

  it('of a taken port, an id that is no uuid, and a keys file that is none', async () => {
    const { url } = await start()
    await expect(start({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: 'port_in_use' })
    await expect(start({ users: [{ ...ada, id: 'ada' }] })).rejects.toMatchObject({ code: 'invalid_option' })
    const keysFile = join(folder, 'other.json')
    writeFileSync(keysFile, '{}')
    await expect(start({ keysFile })).rejects.toMatchObject({ code: 'invalid_option' })
  })
})

describe('tokens', () => {
  it('are issued directly, with the claims that signing in gives, and expire', async () => {
    const issuer = await start()
    expect(await verify(issuer, await issuer.issueToken(bruno.id))).toMatchObject({
      sub: bruno.id,
      email: bruno.email,
      name: bruno.name,
      app_metadata: {},
    })
    await expect(issuer.issueToken('somebody')).rejects.toMatchObject({ code: 'invalid_option' })
    const past = await start({ now: () => 0 })
    await expect(verify(past, await past.issueToken(ada.id))).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
  })

  it('stay valid when the issuer starts again with its keys, which only their owner reads', async () => {
    const first = await start()
    const token = await first.issueToken(ada.id)
    await first.close()
    const second = await start({ port: Number(new URL(first.url).port) })
    expect((await verify(second, token)).sub).toBe(ada.id)
    expect(statSync(join(folder, 'keys.json')).mode & 0o777).toBe(0o600)
    const { keys } = (await (await fetch(second.jwksUrl)).json()) as { keys: Record<string, unknown>[] }
    expect(keys).toHaveLength(1)
    expect(keys[0]).not.toHaveProperty('d')
  })
})

async function authorizationAddress(issuer: Issuer, change: Record<string, string> = {}): Promise<string> {
  const parameters = {
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
    ...change,
  }
  const kept = Object.entries(parameters).filter(([, value]) => value !== '')
  return client.buildAuthorizationUrl(await discover(issuer), Object.fromEntries(kept)).href
}
