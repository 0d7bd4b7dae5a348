// A person at work in each CRM: what they do is there for the API, and can be taken back where the CRM can.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

const objects = {
  hubspot: {
    object: 'contacts',
    first: { email: 'a@hand.example' },
    second: { email: 'b@hand.example' },
    change: { firstname: 'Ada' },
    field: 'colour',
  },
  salesforce: {
    object: 'Contact',
    first: { LastName: 'A' },
    second: { LastName: 'B' },
    change: { FirstName: 'Ada' },
    field: 'Colour__c',
  },
  netsuite: {
    object: 'customer',
    first: { companyName: 'A' },
    second: { companyName: 'B' },
    change: { phone: '1' },
    field: 'custentity_colour',
  },
} as const

const recordsOf = async (account: string, object: string): Promise<Record<string, unknown>[]> =>
  (
    (await (await fetch(`${sandbox.url}/_sandbox/records?account=${account}&object=${object}`)).json()) as {
      records: Record<string, unknown>[]
    }
  ).records

describe.each(['hubspot', 'salesforce', 'netsuite'] as const)('in %s', (connector) => {
  const { object, first, second, change, field } = objects[connector]

  it('creates, changes, merges and removes', async () => {
    const { id: account } = sandbox.createAccount({ connector })
    const person = sandbox.person(account)
    const [a, b] = [person.create(object, first), person.create(object, second)]
    person.update(object, a, change)
    expect(await recordsOf(account, object)).toHaveLength(2)
    const survivor = person.merge(object, a, b)
    expect(survivor === a).toBe(connector !== 'hubspot')
    expect(await recordsOf(account, object)).toHaveLength(1)
    person.remove(object, survivor)
    expect(await recordsOf(account, object)).toEqual([])
  })

  it('adds a field, which the API then knows', async () => {
    const { id: account } = sandbox.createAccount({ connector })
    const person = sandbox.person(account)
    person.addField(object, { name: field, label: 'Colour', type: 'text' })
    const id = person.create(object, { ...first, [field]: 'red' })
    expect(id).not.toBe('')
    expect(JSON.stringify(await recordsOf(account, object))).toContain('"red"')
  })

  it('is told the CRM’s own refusal, and over HTTP the same', async () => {
    const { id: account } = sandbox.createAccount({ connector })
    expect(() => sandbox.person(account).create(object, { nosuch: 1 })).toThrow('The CRM refused')
    expect(() => sandbox.person('nobody')).toThrow('no account nobody')
    const act = (body: unknown): Promise<Response> =>
      fetch(`${sandbox.url}/_sandbox/hand`, { method: 'POST', body: JSON.stringify(body) })
    const created = await act({ account, action: 'create', object, values: first })
    const { id } = (await created.json()) as { id: string }
    expect((await act({ account, action: 'update', object, id, values: change })).status).toBe(200)
    expect((await act({ account, action: 'update', object, id: 'nobody', values: change })).status).toBe(400)
    expect((await act({ account, action: 'dance', object })).status).toBe(400)
  })
})

it.each(['hubspot', 'salesforce'] as const)('what was removed in %s can be restored', async (connector) => {
  const { object, first } = objects[connector]
  const { id: account } = sandbox.createAccount({ connector })
  const person = sandbox.person(account)
  const id = person.create(object, first)
  person.remove(object, id)
  person.restore(object, id)
  expect(await recordsOf(account, object)).toHaveLength(1)
})

it('what was deleted in NetSuite is gone', () => {
  const { id: account } = sandbox.createAccount({ connector: 'netsuite' })
  const person = sandbox.person(account)
  const id = person.create('customer', { companyName: 'A' })
  person.remove('customer', id)
  expect(() => person.restore('customer', id)).toThrow('no recycle bin')
})

it('a refresh token that comes again after rotation voids the whole grant, when the app says so', async () => {
  const app = { clientId: 'strict', clientSecret: 's', rotateRefreshTokens: true, reuseRevokesGrant: true }
  const { id: account } = sandbox.createAccount({ connector: 'salesforce', apps: [app] })
  const asked = { client_id: 'strict', redirect_uri: 'http://localhost:9/', account, decision: 'approve' }
  const consent = await fetch(`${sandbox.url}/services/oauth2/authorize`, {
    method: 'POST',
    body: new URLSearchParams(asked),
    redirect: 'manual',
  })
  const code = new URL(consent.headers.get('location')!).searchParams.get('code')!
  const grant = async (form: Record<string, string>): Promise<{ status: number; body: Record<string, string> }> => {
    const body = new URLSearchParams({ client_id: 'strict', client_secret: 's', ...form })
    const response = await fetch(`${sandbox.url}/services/oauth2/token`, { method: 'POST', body })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  const { body: first } = await grant({ grant_type: 'authorization_code', code, redirect_uri: 'http://localhost:9/' })
  const { body: second } = await grant({ grant_type: 'refresh_token', refresh_token: first['refresh_token']! })
  const works = async (): Promise<number> =>
    (
      await fetch(`${sandbox.url}/services/data/v60.0/limits`, {
        headers: { authorization: `Bearer ${second['access_token']}` },
      })
    ).status
  expect(await works()).toBe(200)
  expect((await grant({ grant_type: 'refresh_token', refresh_token: first['refresh_token']! })).status).toBe(400)
  expect(await works()).toBe(401)
  expect((await grant({ grant_type: 'refresh_token', refresh_token: second['refresh_token']! })).status).toBe(400)
})
