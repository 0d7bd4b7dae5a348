// What only HubSpot does: unique e-mails, merges, associations beside the primary one, its own counts,
// and batch answers that name nobody.
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox } from '@rowhouse/sandbox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { WriteOperation } from '../kit/connector.ts'
import { createHttp } from '../kit/create-http.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { scripted } from '../kit/test-scripted.ts'
import { hubspot } from './index.ts'

const contacts = { object: 'contact', fields: ['email', 'firstname'], references: ['company'] }
const companies = { object: 'company', fields: ['name', 'numberofemployees'], references: [] }
let sandbox: Sandbox
let account: CreatedAccount
let http: ConnectorHttp
beforeAll(async () => {
  sandbox = await startSandbox()
  account = sandbox.createAccount({ connector: 'hubspot', limits: { searchSecondlyMax: 1000 } })
  http = createHttp({ baseUrl: account.url, accessToken: account.accessToken })
  await hubspot.prepare(http, ['contact', 'company'])
})
afterAll(() => sandbox.close())

let serial = 0
function create(fields: Readonly<Record<string, string | null>>): WriteOperation {
  return { kind: 'create', key: `k${++serial}`, createToken: `t${serial}`, fields, references: {} }
}
async function made(
  selection: typeof contacts,
  ...all: readonly Readonly<Record<string, string>>[]
): Promise<string[]> {
  const answer = await hubspot.write(
    http,
    selection,
    all.map((fields) => create(fields)),
  )
  return answer.ok ? answer.value.map((result) => (result.outcome === 'done' ? result.id : '')) : []
}

it('names the contact that has the e-mail, on create and on update, and does the rest', async () => {
  const [ada, bob] = (await made(contacts, { email: 'ada@example.com' }, { email: 'bob@example.com' })) as [
    string,
    string,
  ]
  const created = await hubspot.write(http, contacts, [
    create({ email: 'ADA@example.com ' }),
    create({ email: 'eve@example.com', firstname: null }),
  ])
  expect(created).toMatchObject({ value: [{ outcome: 'exists', id: ada }, { outcome: 'done' }] })
  const update = { kind: 'update', key: 'u', id: bob, fields: { email: 'ada@example.com' }, references: {} } as const
  expect(await hubspot.write(http, contacts, [update])).toMatchObject({ value: [{ outcome: 'exists', id: ada }] })
})

it('gives the form in which HubSpot keeps what was sent', async () => {
  const answer = await hubspot.write(http, companies, [create({ name: ' Acme ', numberofemployees: '0250.0' })])
  expect(answer).toMatchObject({ value: [{ record: { fields: { name: 'Acme', numberofemployees: '250' } } }] })
})

it('leaves other companies associated when it sets and clears the primary one', async () => {
  const [first, second] = (await made(companies, { name: 'A' }, { name: 'B' })) as [string, string]
  const [id] = (await made(contacts, { email: 'cyd@example.com' })) as [string]
  for (const company of [first, second, null]) {
    const references = { company }
    await hubspot.write(http, contacts, [{ kind: 'update', key: 'u', id, fields: {}, references }])
  }
  const left = await http.request({ method: 'GET', path: `/crm/v4/objects/contacts/${id}/associations/companies` })
  const ids = (left.body as { results: { toObjectId: number | string }[] }).results.map((to) => String(to.toObjectId))
  expect(ids).toEqual([first])
})

it('gives the winner of a merge for the id of the loser', async () => {
  const [winner, loser] = (await made(contacts, { firstname: 'W' }, { firstname: 'L' })) as [string, string]
  const json = { primaryObjectId: winner, objectIdToMerge: loser }
  const merge = await http.request({ method: 'POST', path: '/crm/v3/objects/contacts/merge', json })
  const result = (merge.body as { id: string }).id
  const read = await hubspot.get(http, contacts, [loser])
  expect(read).toMatchObject({ value: [{ id: result, fields: { firstname: 'W' } }] })
  expect(read.ok && read.value[0]!.mergedIds).toContain(loser)
})

it('searches on the budget of searches, and on no other', async () => {
  const asking = scripted({ status: 200, body: { results: [] } }, { status: 200, body: { results: [] } })
  await hubspot.poll(asking, contacts, { modifiedAt: '2026-01-01T00:00:00.000Z', id: '' }, 1000)
  await hubspot.list(asking, contacts, null, 1000)
  expect(asking.asked.map(({ budget }) => budget)).toEqual(['search', undefined])
  expect(asking.asked[0]!.json).toMatchObject({ limit: 200 })
  expect(asking.asked[1]!.path).toContain('limit=100')
})

it('reads its own count from the headers', async () => {
  const answer = await http.request({ method: 'GET', path: '/crm/v3/objects/contacts?limit=1' })
  const [window] = hubspot.usage(answer)
  expect(window).toMatchObject({ budget: 'default', windowMs: 10_000, limit: 110 })
  expect(window!.used).toBeGreaterThan(0)
  const daily = { 'x-hubspot-ratelimit-daily': '250000', 'x-hubspot-ratelimit-daily-remaining': '249000' }
  expect(hubspot.usage({ ...answer, headers: daily })).toEqual([
    { budget: 'default', windowMs: null, used: 1000, limit: 250_000 },
  ])
})

it('splits a batch that is refused as a whole, and parks what is refused alone', async () => {
  const refused = { status: 400, body: { category: 'VALIDATION_ERROR', message: 'no' } }
  const two = await hubspot.write(scripted(refused), contacts, [create({}), create({})])
  expect(two).toMatchObject({ ok: false, failure: { action: 'split_batch' } })
  const one = await hubspot.write(scripted(refused), contacts, [create({})])
  expect(one).toMatchObject({ value: [{ failure: { action: 'park', code: 'validation_error' } }] })
  const large = await hubspot.write(scripted({ status: 413 }), contacts, [create({})])
  expect(large).toMatchObject({ value: [{ failure: { action: 'park', code: 'too_large' } }] })
  const twice = ['1', '1'].map(
    (id) => ({ kind: 'update', key: id, id, fields: { firstname: 'x' }, references: {} }) as const,
  )
  expect(await hubspot.write(scripted(), contacts, twice)).toMatchObject({ failure: { action: 'split_batch' } })
})

it('blames the only record without a result, and asks again when there are several', async () => {
  const error = { category: 'VALIDATION_ERROR', message: 'bad' }
  const result = { id: '1', properties: {}, objectWriteTraceId: '0' }
  const one = await hubspot.write(scripted({ status: 207, body: { results: [result], errors: [error] } }), contacts, [
    create({}),
    create({}),
  ])
  expect(one).toMatchObject({ value: [{ outcome: 'done', id: '1' }, { failure: { action: 'park' } }] })
  const none = await hubspot.write(scripted({ body: { errors: [error] } }), contacts, [create({}), create({})])
  expect(none).toMatchObject({ value: [{ failure: { action: 'retry' } }, { failure: { action: 'retry' } }] })
})

it('tells results apart by token when HubSpot returns no trace id', async () => {
  const [a, b] = [create({}), create({})]
  const results = [b, a].map((operation, index) => ({
    id: String(index),
    properties: { rowhouse_token: operation.kind === 'create' ? operation.createToken : '' },
  }))
  const answer = await hubspot.write(scripted({ status: 201, body: { results } }), contacts, [a, b])
  expect(answer).toMatchObject({
    value: [
      { key: a.key, id: '1' },
      { key: b.key, id: '0' },
    ],
  })
})

it('pauses when the token property exists without unique values', async () => {
  const answer = await hubspot.prepare(scripted({ status: 200, body: { hasUniqueValue: false } }), ['contact'])
  expect(answer).toMatchObject({ failure: { action: 'pause' } })
  const raced = scripted({ status: 404, body: {} }, { status: 409, body: {} })
  expect(await hubspot.prepare(raced, ['contact'])).toEqual({ ok: true, value: null })
})

it('refuses objects it does not have, as a bug of the caller', async () => {
  const selection = { object: 'ticket', fields: [], references: [] }
  await expect(hubspot.list(http, selection, null, 1)).rejects.toMatchObject({ code: 'invalid_option' })
})
