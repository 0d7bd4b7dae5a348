// HubSpot's limits, with a clock that stands still until told.
import { Client } from '@hubspot/api-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let now = Date.parse('2026-03-01T12:00:00.000Z')

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
})
afterAll(() => sandbox.close())

async function list(account: CreatedAccount, accessToken = account.accessToken): Promise<Response> {
  const response = await fetch(`${account.url}/crm/v3/objects/contacts?limit=1`, {
    headers: { authorization: `Bearer ${accessToken}` },
  })
  return response
}

it('admits 110 requests in any ten seconds, per app and account', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  const other = sandbox.createAccount({ connector: 'hubspot' })
  for (let request = 0; request < 109; request++) await (await list(account)).body?.cancel()
  now += 4000
  const last = await list(account)
  expect(last.status).toBe(200)
  expect(last.headers.get('x-hubspot-ratelimit-max')).toBe('110')
  expect(last.headers.get('x-hubspot-ratelimit-remaining')).toBe('0')
  expect(last.headers.get('x-hubspot-ratelimit-interval-milliseconds')).toBe('10000')

  const refused = await list(account)
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBeNull()
  expect(await refused.json()).toMatchObject({
    status: 'error',
    category: 'RATE_LIMITS',
    errorType: 'RATE_LIMIT',
    policyName: 'TEN_SECONDLY_ROLLING',
  })
  expect((await list(account, account.personToken)).status).toBe(200)
  expect((await list(other)).status).toBe(200)

  // The first 109 leave the window, the one made four seconds later stays.
  now += 6000
  expect((await list(account)).headers.get('x-hubspot-ratelimit-remaining')).toBe('108')
})

it('admits five searches a second, outside the other limit, without headers', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  const { searchApi } = new Client({ basePath: account.url, accessToken: account.accessToken }).crm.contacts
  for (let request = 0; request < 5; request++) await searchApi.doSearch({})
  await expect(searchApi.doSearch({})).rejects.toMatchObject({
    code: 429,
    body: { message: 'You have reached your secondly limit.', category: 'RATE_LIMITS' },
  })
  expect((await list(account)).headers.get('x-hubspot-ratelimit-remaining')).toBe('109')
  now += 1000
  await searchApi.doSearch({})
})

it('admits a day’s quota in any 24 hours', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot', limits: { dailyMax: 3 } })
  for (let request = 0; request < 3; request++) expect((await list(account)).status).toBe(200)
  const refused = await list(account)
  expect(await refused.json()).toMatchObject({ policyName: 'DAILY', errorType: 'RATE_LIMIT' })
  now += 25 * 3_600_000
  expect((await list(account)).status).toBe(200)
})
