// Connecting an app to a portal, with the official client: consent, code, tokens, refresh, revocation.
import { createHash } from 'node:crypto'
import { Client } from '@hubspot/api-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let portal: CreatedAccount
let other: CreatedAccount
let now = Date.parse('2026-03-01T12:00:00.000Z')
const app = {
  clientId: 'client-a',
  clientSecret: 'secret-a',
  redirectUris: ['http://localhost:9/callback'],
  name: 'App A',
}
const rival = { clientId: 'client-b', clientSecret: 'secret-b', redirectUris: ['http://localhost:9/callback'] }

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
  portal = sandbox.createAccount({ connector: 'hubspot', name: 'Acme & <Sons>', apps: [app, rival] })
  other = sandbox.createAccount({ connector: 'hubspot', apps: [app] })
})
afterAll(() => sandbox.close())

async function consent(parameters: Record<string, string>, account = portal.id): Promise<Response> {
  const body = new URLSearchParams({
    client_id: app.clientId,
    redirect_uri: app.redirectUris[0]!,
    scope: 'crm.objects.contacts.read crm.objects.contacts.write',
    account,
    decision: 'approve',
    ...parameters,
  })
  return fetch(`${sandbox.url}/oauth/authorize`, { method: 'POST', body, redirect: 'manual' })
}

async function codeOf(parameters: Record<string, string> = {}, account = portal.id): Promise<string> {
  const response = await consent(parameters, account)
  return new URL(response.headers.get('location')!).searchParams.get('code')!
}

async function token(parameters: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
  const body = new URLSearchParams({ client_id: app.clientId, client_secret: app.clientSecret, ...parameters })
  const response = await fetch(`${sandbox.url}/oauth/2026-03/token`, { method: 'POST', body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const exchange = (code: string, more: Record<string, string> = {}): ReturnType<typeof token> =>
  token({ grant_type: 'authorization_code', code, redirect_uri: app.redirectUris[0]!, ...more })

describe('consent', () => {
  it('shows a page that names the app and the accounts, escaped', async () => {
    const client = new Client({ basePath: sandbox.url })
    const path = client.oauth.getAuthorizationUrl(app.clientId, app.redirectUris[0]!, 'crm.objects.contacts.read')
    const response = await fetch(sandbox.url + new URL(path).pathname + new URL(path).search)
    const page = await response.text()
    expect(response.status).toBe(200)
    expect(page).toContain('Connect App A')
    expect(page).toContain('Acme &amp; &lt;Sons&gt;')
  })

  it('goes back with the state, and with an error when denied', async () => {
    const approved = new URL((await consent({ state: 's1' })).headers.get('location')!)
    expect(approved.searchParams.get('state')).toBe('s1')
    expect(approved.searchParams.get('code')).toBeTruthy()
    const denied = new URL((await consent({ decision: 'deny' })).headers.get('location')!)
    expect(denied.searchParams.get('error')).toBe('access_denied')
  })

  it('never goes to an address the app did not register', async () => {
    expect((await consent({ redirect_uri: 'http://localhost:9/elsewhere' })).status).toBe(400)
    expect((await consent({ client_id: 'nobody' })).status).toBe(400)
  })
})

describe('tokens', () => {
  it('come for a code, once, and open the account that was chosen', async () => {
    const client = new Client({ basePath: sandbox.url })
    const code = await codeOf()
    const { accessToken, refreshToken, expiresIn } = await client.oauth.tokensApi.create(
      'authorization_code',
      code,
      app.redirectUris[0],
      app.clientId,
      app.clientSecret,
    )
    expect(expiresIn).toBe(1800)
    expect((await exchange(code)).body).toMatchObject({ status: 'BAD_AUTH_CODE', error: 'invalid_grant' })
    const info = await client.oauth.accessTokensApi.get(accessToken)
    expect(info).toMatchObject({
      hubId: Number(portal.id),
      scopes: ['crm.objects.contacts.read', 'crm.objects.contacts.write'],
    })

    now += 1_800_000
    client.setAccessToken(accessToken)
    await expect(client.crm.contacts.basicApi.getPage()).rejects.toMatchObject({
      code: 401,
      body: { category: 'EXPIRED_AUTHENTICATION' },
    })
    const refreshed = await client.oauth.tokensApi.create(
      'refresh_token',
      undefined,
      undefined,
      app.clientId,
      app.clientSecret,
      refreshToken,
    )
    expect(refreshed.refreshToken).toBe(refreshToken)
    const log = await fetch(`${sandbox.url}/_sandbox/requests?account=${portal.id}`)
    const { requests } = (await log.json()) as { requests: { path: string; status: number }[] }
    expect(requests.filter(({ path }) => path === '/oauth/v1/token').map(({ status }) => status)).toEqual([200, 200])
    client.setAccessToken(refreshed.accessToken)
    expect((await client.crm.contacts.basicApi.getPage()).results).toEqual([])
  })

  it('need the verifier of the code challenge', async () => {
    const verifier = 'v'.repeat(50)
    const code_challenge = createHash('sha256').update(verifier).digest('base64url')
    const code = await codeOf({ code_challenge, code_challenge_method: 'S256' })
    expect((await exchange(code, { code_verifier: 'wrong' })).status).toBe(400)
    expect((await exchange(code, { code_verifier: verifier })).status).toBe(200)
  })

  it('are refused to another app, another secret, another redirect', async () => {
    const code = await codeOf()
    expect((await exchange(code, { client_id: rival.clientId, client_secret: rival.clientSecret })).status).toBe(400)
    expect((await exchange(code, { client_secret: 'wrong' })).body).toMatchObject({ error: 'invalid_client' })
    expect((await exchange(code, { redirect_uri: 'http://localhost:9/' })).body).toMatchObject({
      status: 'BAD_REDIRECT_URI',
    })
    const { body } = await exchange(code)
    expect(body).toMatchObject({ hub_id: Number(portal.id), token_type: 'bearer', token_use: 'access_token' })
    const refresh_token = String(body['refresh_token'])
    const stolen = {
      grant_type: 'refresh_token',
      refresh_token,
      client_id: rival.clientId,
      client_secret: rival.clientSecret,
    }
    expect((await token(stolen)).body).toMatchObject({ status: 'BAD_REFRESH_TOKEN' })
  })

  it('of one account never open another', async () => {
    const [mine, theirs] = await Promise.all([exchange(await codeOf()), exchange(await codeOf({}, other.id))])
    const clientOf = ({ body }: typeof mine): Client =>
      new Client({ basePath: sandbox.url, accessToken: String(body['access_token']) })
    const { id } = await clientOf(mine).crm.contacts.basicApi.create({ properties: { firstname: 'Mine' } })
    await expect(clientOf(theirs).crm.contacts.basicApi.getById(id)).rejects.toMatchObject({ code: 404 })
  })

  it('are told by introspection, until revoked', async () => {
    const { body } = await exchange(await codeOf())
    const ask = async (path: string): Promise<Response> =>
      fetch(`${sandbox.url}/oauth/2026-03/token/${path}`, {
        method: 'POST',
        body: new URLSearchParams({
          client_id: app.clientId,
          client_secret: app.clientSecret,
          token: String(body['refresh_token']),
        }),
      })
    expect(await (await ask('introspect')).json()).toMatchObject({
      active: true,
      hub_id: Number(portal.id),
      token_use: 'refresh_token',
    })
    expect((await ask('revoke')).status).toBe(204)
    expect(await (await ask('introspect')).json()).toEqual({ active: false })
  })
})

it('refuses a token it never issued', async () => {
  const client = new Client({ basePath: sandbox.url, accessToken: 'pat-na1-nothing' })
  await expect(client.crm.contacts.basicApi.getPage()).rejects.toMatchObject({
    code: 401,
    body: { category: 'INVALID_AUTHENTICATION' },
  })
})
