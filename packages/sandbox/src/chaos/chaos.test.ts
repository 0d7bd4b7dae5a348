// Every kind of trouble, on both CRMs, seen from the client's side.
import { Client } from '@hubspot/api-client'
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'
import type { ChaosInput } from './chaos.ts'

let sandbox: Sandbox
let slept: number[] = []
const startTroubled = (seed: string): Promise<Sandbox> =>
  startSandbox({
    seed,
    sleep: (durationMs) => {
      slept.push(durationMs)
      return Promise.resolve()
    },
  })
beforeAll(async () => {
  sandbox = await startTroubled('chaos')
})
afterAll(() => sandbox.close())

async function chaos(account: CreatedAccount, settings: Omit<ChaosInput, 'account'>): Promise<void> {
  const response = await fetch(`${account.url}/_sandbox/chaos`, {
    method: 'POST',
    body: JSON.stringify({ account: account.id, ...settings }),
  })
  expect(response.status).toBe(200)
}

async function create(account: CreatedAccount): Promise<Response> {
  return fetch(`${account.url}/crm/v3/objects/contacts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json' },
    body: '{"properties":{"firstname":"A"}}',
  })
}

async function count(account: CreatedAccount): Promise<number> {
  const response = await fetch(`${account.url}/_sandbox/records?account=${account.id}&object=contacts`)
  return ((await response.json()) as { records: unknown[] }).records.length
}

async function lastRequest(account: CreatedAccount): Promise<unknown> {
  const response = await fetch(`${account.url}/_sandbox/requests?account=${account.id}`)
  return ((await response.json()) as { requests: unknown[] }).requests.at(-1)
}

describe('HubSpot', () => {
  it('is slow', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    await chaos(account, { latencyMs: 750 })
    slept = []
    expect((await create(account)).status).toBe(201)
    expect(slept).toContain(750)
  })

  it('refuses, doing nothing', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    await chaos(account, { status429Rate: 1 })
    const response = await create(account)
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({
      category: 'RATE_LIMITS',
      message: 'You have reached your secondly limit.',
    })
    expect(await count(account)).toBe(0)
    expect(await lastRequest(account)).toMatchObject({ status: 429, chaos: 'refused' })
  })

  it('fails, doing nothing', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    await chaos(account, { status5xxRate: 1 })
    expect((await create(account)).status).toBeGreaterThanOrEqual(500)
    expect(await count(account)).toBe(0)
  })

  it('never answers, having done nothing', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    await chaos(account, { timeoutBeforeRate: 1, timeoutHoldMs: 300 })
    slept = []
    await expect(create(account)).rejects.toThrow('fetch failed')
    expect(slept).toContain(300)
    expect(await count(account)).toBe(0)
    expect(await lastRequest(account)).toMatchObject({ status: 0, chaos: 'not answered, not done' })
  })

  it('never answers, having done it all the same', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    await chaos(account, { timeoutAfterRate: 1 })
    await expect(create(account)).rejects.toThrow('fetch failed')
    expect(await count(account)).toBe(1)
    expect(await lastRequest(account)).toMatchObject({ status: 0, written: 1, chaos: 'not answered, done' })
  })

  it('voids tokens, until told otherwise', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const client = new Client({ basePath: account.url, accessToken: account.accessToken })
    await chaos(account, { revokeTokens: true })
    await expect(client.crm.contacts.basicApi.getPage()).rejects.toMatchObject({ code: 401 })
    await chaos(account, { revokeTokens: false })
    await client.crm.contacts.basicApi.getPage()
  })

  it('is over when the next settings do not name it, and never touches another account', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const other = sandbox.createAccount({ connector: 'hubspot' })
    await chaos(account, { status429Rate: 1 })
    expect((await create(other)).status).toBe(201)
    await chaos(account, {})
    expect((await create(account)).status).toBe(201)
  })
})

describe('Salesforce', () => {
  it('refuses, fails and voids sessions in its own words', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce' })
    const accounts = new jsforce.Connection({ instanceUrl: account.url, accessToken: account.accessToken }).sobject(
      'Account',
    )
    await chaos(account, { status429Rate: 1 })
    await expect(accounts.create({ Name: 'A' })).rejects.toMatchObject({ errorCode: 'REQUEST_LIMIT_EXCEEDED' })
    await chaos(account, { revokeTokens: 'all' })
    await expect(accounts.create({ Name: 'A' })).rejects.toMatchObject({ errorCode: 'INVALID_SESSION_ID' })
    await chaos(account, { revokeTokens: false, timeoutAfterRate: 1 })
    const url = `${account.url}/services/data/v60.0/sobjects/Account`
    const headers = { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json' }
    await expect(fetch(url, { method: 'POST', headers, body: '{"Name":"A"}' })).rejects.toThrow('fetch failed')
    await chaos(account, { status5xxRate: 1 })
    expect((await fetch(url, { method: 'POST', headers, body: '{"Name":"B"}' })).status).toBeGreaterThanOrEqual(500)
    await chaos(account, {})
    expect(await accounts.count()).toBe(1)
  })
})

it('falls the same way with the same seed', async () => {
  const statuses = async (seed: string): Promise<number[]> => {
    const troubled = await startTroubled(seed)
    const account = troubled.createAccount({ connector: 'hubspot' })
    await chaos(account, { status429Rate: 0.3, status5xxRate: 0.3 })
    const seen: number[] = []
    for (let request = 0; request < 20; request++) seen.push((await create(account)).status)
    await troubled.close()
    return seen
  }
  const first = await statuses('one')
  expect(new Set(first).size).toBeGreaterThan(2)
  expect(await statuses('one')).toEqual(first)
  expect(await statuses('two')).not.toEqual(first)
})
