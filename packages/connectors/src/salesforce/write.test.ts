// What only Salesforce does: required fields, queries made of values, its own count, single conditional calls.
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox } from '@rowhouse/sandbox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { WriteOperation } from '../kit/connector.ts'
import { createHttp } from '../kit/create-http.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { scripted } from '../kit/test-scripted.ts'
import { salesforce } from './index.ts'
import { longId } from './objects.ts'

const contacts = { object: 'contact', fields: ['Email', 'LastName'], references: ['company'] }
const companies = { object: 'company', fields: ['Name', 'NumberOfEmployees', 'Website'], references: [] }
let sandbox: Sandbox
let account: CreatedAccount
let http: ConnectorHttp
beforeAll(async () => {
  sandbox = await startSandbox()
  account = sandbox.createAccount({ connector: 'salesforce' })
  http = createHttp({ baseUrl: account.url, accessToken: account.accessToken })
  await salesforce.prepare(http, ['contact', 'company'])
})
afterAll(() => sandbox.close())

let serial = 0
function create(fields: Readonly<Record<string, string | null>>): WriteOperation {
  return { kind: 'create', key: `k${++serial}`, createToken: `t${serial}`, fields, references: {} }
}
const id = (number: number): string => `0030000000000${number}AAAA`.slice(0, 18).padEnd(18, 'A')

it('parks a contact without a last name without asking, and sends the others', async () => {
  const answer = await salesforce.write(http, contacts, [
    create({ Email: 'a@example.com' }),
    create({ Email: 'b@example.com', LastName: 'B' }),
    create({ Email: 'c@example.com', LastName: ' ' }),
  ])
  expect(answer).toMatchObject({
    value: [
      { failure: { action: 'park', code: 'required_field_missing', reason: expect.stringContaining('a last name') } },
      { outcome: 'done' },
      { failure: { action: 'park', code: 'required_field_missing' } },
    ],
  })
  const silent = scripted()
  const clear = { kind: 'update', key: 'u', id: id(1), fields: { LastName: null }, references: {} } as const
  expect(await salesforce.write(silent, contacts, [clear])).toMatchObject({
    value: [{ failure: { action: 'park', code: 'required_field_missing' } }],
  })
  expect(silent.asked).toEqual([])
})

it('keeps quotes, backslashes and line breaks of a value inside the query', async () => {
  const token = "' OR Name != '\\'\n"
  const asking = scripted({ body: { done: true, records: [] } })
  await salesforce.find(asking, contacts, { kind: 'create_token', values: [token] })
  const soql = new URL(asking.asked[0]!.path, 'http://x').searchParams.get('q')
  expect(soql).toContain(String.raw`Rowhouse_Token__c IN ('\' OR Name != \'\\\'')`)
  const answer = await salesforce.find(http, contacts, { kind: 'create_token', values: [token] })
  expect(answer).toEqual({ ok: true, value: [] })
})

it('refuses what cannot be a field or an object, as a bug of the caller', async () => {
  const selection = { ...contacts, fields: ['Name FROM User --'] }
  await expect(salesforce.list(http, selection, null, 1)).rejects.toMatchObject({ code: 'invalid_option' })
  const lead = { object: 'lead', fields: [], references: [] }
  await expect(salesforce.get(http, lead, [])).rejects.toMatchObject({ code: 'invalid_option' })
})

it('finds a token in its own case only', async () => {
  const operation = create({ LastName: 'Case' })
  const made = await salesforce.write(http, contacts, [{ ...operation, createToken: 'Token-a' } as WriteOperation])
  expect(made).toMatchObject({ value: [{ outcome: 'done' }] })
  const find = (value: string) => salesforce.find(http, contacts, { kind: 'create_token', values: [value] })
  expect(await find('TOKEN-A')).toEqual({ ok: true, value: [] })
  expect(await find('Token-a')).toMatchObject({ value: [{ fields: { LastName: 'Case' }, createToken: 'Token-a' }] })
})

it('sends numbers as numbers and reads them as text', async () => {
  const answer = await salesforce.write(http, companies, [create({ Name: 'Acme', NumberOfEmployees: '250' })])
  const made = answer.ok && answer.value[0]!.outcome === 'done' ? answer.value[0]!.id : ''
  const read = await salesforce.get(http, companies, [made])
  expect(read).toMatchObject({ value: [{ fields: { Name: 'Acme', NumberOfEmployees: '250', Website: null } }] })
})

it('tells who it is with every call that writes, and reads its own count', async () => {
  const asking = scripted({ body: [{ id: id(1), success: true, errors: [] }] })
  await salesforce.write(asking, contacts, [create({ LastName: 'A' })])
  expect(asking.asked[0]!.headers).toEqual({ 'sforce-call-options': 'client=rowhouse' })
  expect(asking.asked[0]!.json).toMatchObject({ allOrNone: false })
  const answer = await http.request({ method: 'GET', path: '/services/data/v67.0/limits' })
  expect(salesforce.usage(answer)).toEqual([
    { budget: 'default', windowMs: null, used: expect.any(Number), limit: expect.any(Number) },
  ])
  expect(salesforce.usage({ ...answer, headers: { 'sforce-limit-info': 'api-usage=18/5000' } })).toEqual([
    { budget: 'default', windowMs: null, used: 18, limit: 5000 },
  ])
})

it('sends one call per conditional update, and stops when the account is closed', async () => {
  const closed = {
    status: 403,
    body: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }],
  }
  const asking = scripted({ status: 204, body: null }, closed)
  const unmodifiedSince = '2026-03-01T12:00:00.000Z'
  const updates = [1, 2, 3].map(
    (number) =>
      ({
        kind: 'update',
        key: `${number}`,
        id: id(number),
        fields: { LastName: 'L' },
        references: {},
        unmodifiedSince,
      }) as const,
  )
  expect(await salesforce.write(asking, contacts, updates)).toMatchObject({
    value: [
      { key: '1', outcome: 'done' },
      { key: '2', failure: { action: 'retry', scope: 'account' } },
      { key: '3', failure: { action: 'retry', scope: 'account' } },
    ],
  })
  expect(asking.asked).toHaveLength(2)
  expect(asking.asked[0]!.headers).toMatchObject({ 'if-unmodified-since': 'Sun, 01 Mar 2026 12:00:00 GMT' })
})

it('asks for a resync when deletions were not read for longer than the bin keeps them', async () => {
  const date = (text: string) => ({ headers: { date: text }, body: { done: true, records: [] } })
  const begun = await salesforce.deleted(
    scripted(date('Sun, 01 Mar 2026 12:00:00 GMT'), date('Sun, 01 Mar 2026 12:00:00 GMT')),
    'contact',
    null,
  )
  const cursor = begun.ok ? begun.value.cursor : ''
  const later = scripted(date('Mon, 16 Mar 2026 12:00:00 GMT'))
  expect(await salesforce.deleted(later, 'contact', cursor)).toMatchObject({ failure: { action: 'resync' } })
})

it('asks a person for access when the token field stays hidden', async () => {
  const hidden = scripted({ body: { fields: [] } }, { status: 201, body: { success: true } }, { body: { fields: [] } })
  const answer = await salesforce.prepare(hidden, ['contact'])
  expect(answer).toMatchObject({ failure: { action: 'pause', reason: expect.stringContaining('Rowhouse_Token__c') } })
})

it('reads on when wide rows come in smaller pages than were asked for', async () => {
  const row = { Id: id(1), SystemModstamp: '2026-03-01T12:00:00.000+0000', CreatedDate: '2026-03-01T12:00:00.000+0000' }
  const part = { body: { done: false, records: [row] } }
  expect(await salesforce.list(scripted(part), contacts, null, 100)).toMatchObject({ value: { next: id(1) } })
  const position = { modifiedAt: '2026-01-01T00:00:00.000Z', id: '' }
  expect(await salesforce.poll(scripted(part), contacts, position, 100)).toMatchObject({ value: { more: true } })
})

it('knows the long form of an id', () => {
  expect(longId('001A0000006Vm9r')).toBe('001A0000006Vm9rIAC')
  expect(longId('001A0000006Vm9rIAC')).toBe('001A0000006Vm9rIAC')
})

it('is not called by webhooks', () => {
  const request = { method: 'POST', url: 'https://x', headers: {}, rawBody: Buffer.from('[]') }
  expect(salesforce.verifyWebhook(request, 's', 'a', 0)).toMatchObject({ ok: false, code: 'webhook_signature_invalid' })
})

it('believes no record gone of which nothing was said', async () => {
  const two = [id(1), id(2)]
  for (const body of [{ message: 'x' }, [{ errorCode: 'UNKNOWN_EXCEPTION', message: 'x' }], [null], [null, null, null]])
    expect(await salesforce.get(scripted({ body }), contacts, two)).toMatchObject({ failure: { action: 'retry' } })
  expect(await salesforce.get(scripted({ body: [null, null] }, { body: { records: [] } }), contacts, two)).toEqual({
    ok: true,
    value: [],
  })
})
