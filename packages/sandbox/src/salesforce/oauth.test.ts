// Logging in to an organization with jsforce: consent, code, refresh, rotation, passwords, SOAP.
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let organization: CreatedAccount
let now = Date.parse('2026-03-01T12:00:00.000Z')
const redirectUri = 'http://localhost:9/callback'
const app = { clientId: 'consumer', clientSecret: 'shh', redirectUris: [redirectUri] }
const rotating = { clientId: 'rotating', clientSecret: 'shh', redirectUris: [redirectUri], rotateRefreshTokens: true }

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
  organization = sandbox.createAccount({ connector: 'salesforce', name: 'Acme', apps: [app, rotating] })
})
afterAll(() => sandbox.close())

const oauth2Of = ({ clientId, clientSecret }: typeof app, useVerifier = false): InstanceType<typeof jsforce.OAuth2> =>
  new jsforce.OAuth2({ loginUrl: sandbox.url, clientId, clientSecret, redirectUri, useVerifier })

async function codeOf(oauth2: InstanceType<typeof jsforce.OAuth2>): Promise<string> {
  const url = new URL(oauth2.getAuthorizationUrl({ scope: 'api refresh_token' }))
  expect((await fetch(url)).status).toBe(200)
  const body = new URLSearchParams([...url.searchParams, ['account', organization.id], ['decision', 'approve']])
  const response = await fetch(url.origin + url.pathname, { method: 'POST', body, redirect: 'manual' })
  return new URL(response.headers.get('location')!).searchParams.get('code')!
}

describe('the web server flow', () => {
  it('gives a session; jsforce refreshes it by itself when it is gone', async () => {
    const oauth2 = oauth2Of(app, true)
    const connection = new jsforce.Connection({ oauth2, version: '60.0' })
    const user = await connection.authorize(await codeOf(oauth2))
    expect(user.organizationId).toBe(organization.id)
    expect(connection.instanceUrl).toBe(sandbox.url)
    expect(await connection.identity()).toMatchObject({
      organization_id: organization.id,
      username: organization.username,
    })
    await connection.sobject('Account').create({ Name: 'Before' })

    const refreshed: string[] = []
    connection.on('refresh', (accessToken: string) => refreshed.push(accessToken))
    now += 2 * 3_600_000
    expect(await connection.sobject('Account').count()).toBe(1)
    expect(refreshed).toHaveLength(1)
  })

  it('rotates refresh tokens when the app says so: the used one is void', async () => {
    const oauth2 = oauth2Of(rotating)
    const first = await oauth2.requestToken(await codeOf(oauth2))
    const second = await oauth2.refreshToken(first.refresh_token!)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    await expect(oauth2.refreshToken(first.refresh_token!)).rejects.toMatchObject({
      name: 'invalid_grant',
      message: 'expired access/refresh token',
    })
    await oauth2.refreshToken(second.refresh_token!)
  })

  it('refuses wrong clients, used codes and revoked tokens', async () => {
    const oauth2 = oauth2Of(app)
    const code = await codeOf(oauth2)
    await expect(oauth2Of({ ...app, clientSecret: 'wrong' }).requestToken(code)).rejects.toMatchObject({
      name: 'invalid_client',
    })
    await expect(oauth2Of(rotating).requestToken(code)).rejects.toMatchObject({ name: 'invalid_grant' })
    const token = await oauth2.requestToken(code)
    await expect(oauth2.requestToken(code)).rejects.toMatchObject({ name: 'invalid_grant' })
    await oauth2.revokeToken(token.refresh_token!)
    await expect(oauth2.refreshToken(token.refresh_token!)).rejects.toMatchObject({ name: 'invalid_grant' })
  })
})

describe('passwords', () => {
  it('log in by SOAP and by OAuth', async () => {
    const { username, password } = organization
    const soap = new jsforce.Connection({ loginUrl: sandbox.url, version: '60.0' })
    expect((await soap.login(username!, password!)).organizationId).toBe(organization.id)
    expect((await soap.describeGlobal()).sobjects).toHaveLength(6)
    await soap.logout()

    const oauth = new jsforce.Connection({ oauth2: oauth2Of(app), version: '60.0' })
    await oauth.login(username!, password!)
    expect((await oauth.describeGlobal()).sobjects).toHaveLength(6)
    await expect(new jsforce.Connection({ loginUrl: sandbox.url }).login(username!, 'wrong')).rejects.toThrow(
      'INVALID_LOGIN',
    )
  })
})

describe('sessions', () => {
  it('idle out after two hours, counted from the last use', async () => {
    const { access_token: accessToken } = await oauth2Of(app).authenticate(
      organization.username!,
      organization.password!,
    )
    const connection = new jsforce.Connection({ instanceUrl: sandbox.url, accessToken, version: '60.0' })
    for (let use = 0; use < 3; use++) {
      now += 90 * 60_000
      await connection.describeGlobal()
    }
    now += 121 * 60_000
    await expect(connection.describeGlobal()).rejects.toMatchObject({ errorCode: 'INVALID_SESSION_ID' })
  })
})
