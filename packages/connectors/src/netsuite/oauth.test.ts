// Logins: the account that a consent chose, and machines that sign for themselves.
import { generateKeyPairSync } from 'node:crypto'
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttp } from '../kit/create-http.ts'
import { scripted } from '../kit/test-scripted.ts'
import { accountOf } from './hosts.ts'
import { netsuite } from './index.ts'

const { oauth } = netsuite
const app = {
  clientId: 'client',
  clientSecret: 'secret',
  redirectUri: 'https://rowhouse.example/oauth/netsuite/callback',
}
const asked = { state: 'a-state-of-more-than-22-characters', codeChallenge: 'challenge' }

describe('the address of a consent', () => {
  it.each([
    ['https://system.netsuite.com', 'https://system.netsuite.com/app/login/oauth2/authorize.nl'],
    [
      'https://1234567-sb1.suitetalk.api.netsuite.com',
      'https://1234567-sb1.app.netsuite.com/app/login/oauth2/authorize.nl',
    ],
    ['http://127.0.0.1:4010/TSTDRV1', 'http://127.0.0.1:4010/TSTDRV1/app/login/oauth2/authorize.nl'],
  ])('of %s is %s', (baseUrl, address) => {
    const url = new URL(oauth.authorizeUrl(app, asked, baseUrl))
    expect(url.origin + url.pathname).toBe(address)
    expect(url.searchParams.get('scope')).toBe('rest_webservices')
    expect(url.searchParams.get('code_challenge_method')).toBe('S256')
  })

  it.each([
    ['https://system.netsuite.com', { company: '1234567_SB1' }, 'https://1234567-sb1.suitetalk.api.netsuite.com'],
    ['https://system.netsuite.com', { company: 'evil.example/x?' }, 'https://system.netsuite.com'],
    ['https://system.netsuite.com', {}, 'https://system.netsuite.com'],
    ['http://127.0.0.1:4010/A1', { company: 'B2' }, 'http://127.0.0.1:4010/A1'],
    ['https://evilnetsuite.com', { company: 'B2' }, 'https://evilnetsuite.com'],
    ['https://127.0.0.1.evil.example', { company: 'B2' }, 'https://127.0.0.1.evil.example'],
    ['http://127.0.0.1:4010', { company: 'B2' }, 'http://127.0.0.1:4010/B2'],
  ])('of %s with %o leads to %s', (baseUrl, parameters, expected) => {
    expect(oauth.accountUrl!(parameters as Record<string, string>, baseUrl)).toBe(expected)
  })

  it.each([
    ['https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/record/v1/customer', '1234567_SB1'],
    ['http://127.0.0.1:4010/TSTDRV1/services/rest/record/v1/customer', 'TSTDRV1'],
    ['https://1234567.suitetalk.api.netsuite.com.evil.example/x', null],
    ['no address', null],
  ])('%s is of %s', (address, account) => expect(accountOf(address)).toBe(account))
})

it('says that a consent lasts seven days when it has ended', async () => {
  const http = scripted({ status: 400, body: { error: 'invalid_grant' } })
  const credentials = { accessToken: 'a', refreshToken: 'r', expiresAtMs: null, instanceUrl: null, scopes: null }
  expect(await oauth.refresh(http, app, credentials)).toMatchObject({
    failure: { action: 'pause', advice: expect.stringContaining('seven days') },
  })
})

describe('a machine', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.close())
  const credentials = { accessToken: 'none', expiresAtMs: null, instanceUrl: null, scopes: null }

  it.each([
    ['rsa', () => generateKeyPairSync('rsa', { modulusLength: 3072 })],
    ['ec', () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })],
  ] as const)('signs for itself with a key of type %s, each time it needs a token', async (type, keys) => {
    const { publicKey, privateKey } = keys()
    const certificate = {
      id: `certificate-${type}`,
      publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    }
    const clientId = `machine-${type}`
    const account = sandbox.createAccount({
      connector: 'netsuite',
      apps: [{ clientId, clientSecret: 'not used', certificates: [certificate] }],
    })
    const machine = { ...app, clientId, clientSecret: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    const http = createHttp({ baseUrl: account.url })
    const refreshToken = `certificate:${certificate.id}@${account.id}`
    const first = await oauth.refresh(http, machine, { ...credentials, refreshToken })
    const { accessToken } = first.ok ? first.value : { accessToken: '' }
    expect(first).toMatchObject({ value: { refreshToken, expiresAtMs: expect.any(Number) } })
    expect(await netsuite.identify(createHttp({ baseUrl: account.url, accessToken }))).toMatchObject({
      value: { account: account.id },
    })
    const again = await oauth.refresh(http, machine, { ...credentials, refreshToken })
    expect(again.ok && again.value.accessToken).not.toBe(accessToken)
    expect(await oauth.revoke(http, machine, { ...credentials, refreshToken })).toEqual({ ok: true, value: null })
    // A certificate that is not registered, and a key that is none.
    const other = await oauth.refresh(http, machine, {
      ...credentials,
      refreshToken: `certificate:other@${account.id}`,
    })
    expect(other).toMatchObject({ failure: { action: 'pause' } })
    const keyless = await oauth.refresh(http, { ...machine, clientSecret: 'no key' }, { ...credentials, refreshToken })
    expect(keyless).toMatchObject({ failure: { action: 'pause', advice: expect.stringContaining('private key') } })
  })

  it('waits where NetSuite does not tell the time', async () => {
    const refreshToken = 'certificate:c@1'
    const answer = await oauth.refresh(scripted({ status: 401 }), app, { ...credentials, refreshToken })
    expect(answer).toMatchObject({ failure: { action: 'retry' } })
  })
})
