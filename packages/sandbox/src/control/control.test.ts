// The control API and the page for people, as other programs use them.
import { request } from 'node:http'
import { Client } from '@hubspot/api-client'
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ seed: 'control' })
})
afterAll(() => sandbox.close())

async function get(path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`${sandbox.url}/_sandbox/${path}`)).json()) as Record<string, unknown>
}

async function post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${sandbox.url}/_sandbox/${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('requests and records', () => {
  it('are told per account: what was asked, how many records it wrote', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const other = sandbox.createAccount({ connector: 'hubspot' })
    const { contacts } = new Client({ basePath: account.url, accessToken: account.accessToken }).crm
    await contacts.batchApi.create({ inputs: [1, 2, 3].map((n) => ({ properties: { firstname: `N${n}` } })) })
    await contacts.basicApi.getById('1').catch(() => {})
    const { requests } = await get(`requests?account=${account.id}`)
    expect(requests).toMatchObject([
      { method: 'POST', path: '/crm/v3/objects/contacts/batch/create', status: 201, written: 3, account: account.id },
      { method: 'GET', path: '/crm/v3/objects/contacts/1', status: 404, written: 0 },
    ])
    expect(await get(`requests?account=${other.id}`)).toEqual({ requests: [] })
    const { records } = await get(`records?account=${account.id}&object=contacts`)
    expect(records).toMatchObject([1, 2, 3].map((n) => ({ properties: { firstname: `N${n}` }, archived: false })))
  })

  it('of Salesforce have the fields of the record', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce' })
    const connection = new jsforce.Connection({
      instanceUrl: account.url,
      accessToken: account.accessToken,
      version: '60.0',
    })
    const [first] = await connection.sobject('Account').create([{ Name: 'A' }, { Name: 'B' }])
    await connection.sobject('Account').delete(first!.id!)
    expect((await get(`records?account=${account.id}&object=Account`))['records']).toMatchObject([{ Name: 'B' }])
    const all = await get(`records?account=${account.id.slice(0, 15)}&object=Account&archived=true`)
    expect(all['records']).toHaveLength(2)
  })
})

describe('accounts', () => {
  it('are created over HTTP; again with the same id changes nothing', async () => {
    const input = {
      connector: 'salesforce',
      id: '00Dxx0000001gPL',
      name: 'Fixed',
      apps: [{ clientId: 'c', clientSecret: 's' }],
    }
    const created = await post('accounts', input)
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({
      id: '00Dxx0000001gPLEAY',
      name: 'Fixed',
      username: 'admin@00dxx0000001gpleay.example',
    })
    expect((await post('accounts', input)).body).toEqual(created.body)
    expect((await post('accounts', { connector: 'oracle' })).status).toBe(400)
  })
})

describe('reset', () => {
  it('ends trouble and forgets requests, keeping records unless told', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const { basicApi } = new Client({ basePath: account.url, accessToken: account.accessToken }).crm.contacts
    await basicApi.create({ properties: { email: 'kept@reset.example' } })
    await post('chaos', { account: account.id, status5xxRate: 1, revokeTokens: true })
    await expect(basicApi.getPage()).rejects.toMatchObject({ code: 401 })
    await post('reset', { account: account.id })
    expect(await get(`requests?account=${account.id}`)).toEqual({ requests: [] })
    expect((await basicApi.getPage()).results).toHaveLength(1)
    await post('reset', { account: account.id, records: true })
    expect((await basicApi.getPage()).results).toEqual([])
    await basicApi.create({ properties: { email: 'kept@reset.example' } })
  })
})

describe('the door', () => {
  it('is closed to other hosts, so a page of another site cannot use it', async () => {
    const { port } = new URL(sandbox.url)
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        { port, host: '127.0.0.1', path: '/_sandbox/requests', headers: { host: 'evil.example' } },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  it.each([
    ['chaos', '{', 400],
    ['chaos', { account: 'nobody' }, 404],
    ['chaos', { account: '1', status429Rate: 2 }, 400],
    ['nothing', {}, 404],
  ])('refuses POST %s %j', async (path, body, status) => {
    const answer = await post(path, body)
    expect(answer.status).toBe(status)
    expect(answer.body).toHaveProperty('code')
  })
})

it('shows people the accounts and their records, escaped', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot', name: 'People' })
  const { basicApi } = new Client({ basePath: account.url, accessToken: account.accessToken }).crm.contacts
  await basicApi.create({ properties: { firstname: '<script>' } })
  const page = await (await fetch(`${sandbox.url}/?account=${account.id}&object=contacts`)).text()
  expect(page).toContain('People')
  expect(page).toContain('&lt;script&gt;')
  expect(page).not.toContain('<td><script>')
})
