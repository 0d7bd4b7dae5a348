// Logging in to a company: consent, code with PKCE, refresh for seven days, machine assertions, signatures.
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import NetsuiteRest from 'netsuite-rest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let account: CreatedAccount
let now = Date.now()
const redirectUri = 'http://localhost:9/callback'
const app = { clientId: 'integration', clientSecret: 'shh', redirectUris: [redirectUri] }
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const certificates = [
  { id: 'rsa-1', publicKey: rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString() },
  { id: 'ec-1', publicKey: ec.publicKey.export({ type: 'spki', format: 'pem' }).toString() },
]
const machine = { clientId: 'machine', clientSecret: 'shh', certificates }

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
  account = sandbox.createAccount({ connector: 'netsuite', apps: [app, machine] })
})
afterAll(() => sandbox.close())

const verifier = 'v'.repeat(50)
const authorizeUrl = (overrides: Record<string, string> = {}): URL => {
  const url = new URL('/app/login/oauth2/authorize.nl', sandbox.url)
  const asked = {
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: redirectUri,
    scope: 'rest_webservices',
    state: 's'.repeat(32),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries({ ...asked, ...overrides })) url.searchParams.set(name, value)
  return url
}

async function consent(decision: string, overrides?: Record<string, string>): Promise<URL> {
  const url = authorizeUrl(overrides)
  const body = new URLSearchParams([...url.searchParams, ['account', account.id], ['decision', decision]])
  const response = await fetch(url.origin + url.pathname, { method: 'POST', body, redirect: 'manual' })
  return new URL(response.headers.get('location')!)
}

async function token(
  form: Record<string, string>,
  basic: string | null = `${app.clientId}:${app.clientSecret}`,
): Promise<{ status: number; body: Record<string, string> }> {
  const response = await fetch(`${sandbox.url}/services/rest/auth/oauth2/v1/token`, {
    method: 'POST',
    headers: basic === null ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

const exchange = (back: URL, overrides: Record<string, string> = {}): ReturnType<typeof token> =>
  token({
    grant_type: 'authorization_code',
    code: back.searchParams.get('code')!,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...overrides,
  })

const works = async (accessToken: string): Promise<number> =>
  (
    await fetch(`${sandbox.url}/services/rest/record/v1/customer`, {
      headers: { authorization: `Bearer ${accessToken}` },
    })
  ).status

describe('the authorization code', () => {
  it('comes back with the state and the company, and is good once, for its verifier', async () => {
    expect((await fetch(authorizeUrl())).status).toBe(200)
    const back = await consent('approve')
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      state: 's'.repeat(32),
      company: account.id,
      role: '3',
      entity: '-5',
    })
    expect(await exchange(back, { code_verifier: 'x'.repeat(50) })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    const { body } = await exchange(back)
    expect(body).toMatchObject({ expires_in: '3600', token_type: 'bearer' })
    expect(await works(body['access_token']!)).toBe(200)
    expect((await exchange(back)).status).toBe(400)
  })

  it('is refused by the person, for a short state, by a wrong secret', async () => {
    expect((await consent('deny')).searchParams.get('error')).toBe('access_denied')
    expect((await fetch(authorizeUrl({ state: 'short' }))).status).toBe(400)
    expect((await fetch(authorizeUrl({ redirect_uri: 'http://evil.example/' }))).status).toBe(400)
    const back = await consent('approve')
    expect(
      await token({ grant_type: 'authorization_code', code: back.searchParams.get('code')! }, 'integration:wrong'),
    ).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  it('lives an hour, is refreshed for seven days, and ends with a revocation', async () => {
    const { body: first } = await exchange(await consent('approve'))
    now += 3_600_000
    expect(await works(first['access_token']!)).toBe(401)
    const refresh = (): ReturnType<typeof token> =>
      token({ grant_type: 'refresh_token', refresh_token: first['refresh_token']! })
    const { body: second } = await refresh()
    expect(await works(second['access_token']!)).toBe(200)
    await fetch(`${sandbox.url}/services/rest/auth/oauth2/v1/revoke`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('integration:shh').toString('base64')}` },
      body: new URLSearchParams({ token: first['refresh_token']! }),
    })
    expect(await works(second['access_token']!)).toBe(401)
    expect((await refresh()).body).toEqual({ error: 'invalid_grant' })
    const { body: other } = await exchange(await consent('approve'))
    now += 7 * 86_400_000
    expect((await token({ grant_type: 'refresh_token', refresh_token: other['refresh_token']! })).status).toBe(400)
  })

  it('needs the scope of web services, also when it is taken away later', async () => {
    const { body: narrow } = await exchange(await consent('approve', { scope: 'restlets' }))
    expect(await works(narrow['access_token']!)).toBe(403)
    const { body: wide } = await exchange(await consent('approve'))
    sandbox.reduceScopes(account.id, ['restlets'])
    expect(await works(wide['access_token']!)).toBe(403)
    sandbox.reduceScopes(account.id, undefined)
    expect(await works(wide['access_token']!)).toBe(200)
  })
})

describe('a machine', () => {
  const assertion = (
    alg: string,
    kid: string,
    key: typeof rsa.privateKey,
    claims: Record<string, unknown> = {},
  ): Promise<string> => {
    const seconds = Math.floor(now / 1000)
    const audience = `https://${account.id.toLowerCase()}.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token`
    return new SignJWT({
      iss: machine.clientId,
      scope: ['rest_webservices'],
      aud: audience,
      iat: seconds,
      exp: seconds + 3600,
      ...claims,
    })
      .setProtectedHeader({ alg, kid, typ: 'JWT' })
      .sign(key)
  }
  const present = (jwt: string): ReturnType<typeof token> =>
    token(
      {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: jwt,
      },
      null,
    )

  it.each([
    ['PS256', 'rsa-1', rsa.privateKey],
    ['ES256', 'ec-1', ec.privateKey],
  ])('logs in with an assertion signed by %s, without a refresh token', async (alg, kid, key) => {
    const { status, body } = await present(await assertion(alg, kid, key))
    expect(status).toBe(200)
    expect(body).not.toHaveProperty('refresh_token')
    expect(await works(body['access_token']!)).toBe(200)
  })

  it('is refused for a wrong algorithm, key, audience or time', async () => {
    const seconds = Math.floor(now / 1000)
    const wrong = [
      await assertion('RS256', 'rsa-1', rsa.privateKey),
      await assertion('PS256', 'unknown', rsa.privateKey),
      await assertion('PS256', 'rsa-1', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
      await assertion('PS256', 'rsa-1', rsa.privateKey, {
        aud: 'https://other.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token',
      }),
      await assertion('PS256', 'rsa-1', rsa.privateKey, { exp: seconds - 1 }),
      await assertion('PS256', 'rsa-1', rsa.privateKey, { exp: seconds + 7200 }),
    ]
    for (const jwt of wrong) expect((await present(jwt)).status).toBe(400)
    expect((await present('not.a.jwt')).status).toBe(400)
  })
})

describe('a signature', () => {
  const client = (overrides: Record<string, string> = {}): InstanceType<typeof NetsuiteRest> => {
    const { consumerKey, consumerSecret, tokenId, tokenSecret } = account.tokenBased!
    return new NetsuiteRest({
      consumer_key: consumerKey,
      consumer_secret_key: consumerSecret,
      token: tokenId,
      token_secret: tokenSecret,
      realm: account.id,
      base_url: sandbox.url,
      ...overrides,
    })
  }

  it('by a client that others wrote is taken; by a wrong secret, consumer or company it is not', async () => {
    now = Date.now()
    expect((await client().request({ path: 'record/v1/customer?limit=1&q=companyName IS "a b"' })).data).toMatchObject({
      count: 0,
    })
    for (const wrong of [{ token_secret: 'x' }, { consumer_key: 'x' }, { realm: '1' }, { token: 'x' }]) {
      await expect(client(wrong).request({ path: 'record/v1/customer' })).rejects.toMatchObject({
        response: { statusCode: 401 },
      })
    }
    now += 3_600_000
    await expect(client().request({ path: 'record/v1/customer' })).rejects.toMatchObject({
      response: { statusCode: 401 },
    })
    now = Date.now()
  })

  it('is good once', async () => {
    const url = `${sandbox.url}/services/rest/record/v1/customer?n=${randomUUID()}`
    const headers = client().getAuthorizationHeader({ url, method: 'GET' })
    expect((await fetch(url, { headers })).status).toBe(200)
    expect((await fetch(url, { headers })).status).toBe(401)
  })
})
