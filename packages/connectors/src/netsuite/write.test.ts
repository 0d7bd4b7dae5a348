// What the simulated NetSuite cannot be brought to say: refusals in the middle of a batch, logins that are none.
import { expect, it } from 'vitest'
import type { WriteOperation } from '../kit/connector.ts'
import { scripted } from '../kit/test-scripted.ts'
import { netsuite } from './index.ts'

const companies = { object: 'company', fields: ['companyName'], references: [] }
const orders = { object: 'sales_order', fields: ['memo', 'item'], references: ['company'] }

const create = (key: string, fields = { companyName: `Company ${key}` }): WriteOperation => ({
  kind: 'create',
  key,
  createToken: `token-${key}`,
  fields,
  references: {},
})
const update = (id: string, fields = { companyName: 'X' }): WriteOperation => ({
  kind: 'update',
  key: `u${id}`,
  id,
  fields,
  references: {},
})
const made = (id: string) => ({
  status: 204,
  headers: { location: `/services/rest/record/v1/customer/${id}` },
  body: null,
})
const done = { status: 204, body: null }
const refusal = (status: number, code: string, detail = 'as it says', path?: string) => ({
  status,
  body: {
    title: 'Bad',
    status,
    'o:errorDetails': [{ detail, 'o:errorCode': code, ...(path ? { 'o:errorPath': path } : {}) }],
  },
})

it('creates with the token as external id, and a key that is of this very request', async () => {
  const http = scripted(made('7'), made('8'), made('9'))
  await netsuite.write(http, companies, [create('a')])
  await netsuite.write(http, companies, [create('a')])
  await netsuite.write(http, companies, [create('a', { companyName: 'Mended' })])
  const keys = http.asked.map(({ headers }) => headers?.['x-netsuite-idempotency-key'])
  expect(keys[0]).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
  expect(keys[1]).toBe(keys[0])
  expect(keys[2]).not.toBe(keys[0])
  expect(http.asked[0]).toMatchObject({
    method: 'POST',
    path: '/services/rest/record/v1/customer',
    json: { externalId: 'token-a', companyName: 'Company a', isPerson: false },
  })
})

it('leaves the whole batch unsettled when one answer never came', async () => {
  const http = scripted(made('7'), { status: 0, body: null })
  expect(await netsuite.write(http, companies, [create('a'), create('b'), create('c')])).toMatchObject({
    ok: false,
    failure: { action: 'retry', scope: 'call' },
  })
  expect(http.asked).toHaveLength(2)
})

it('stops at a closed gate: what was done is told, the rest was not sent', async () => {
  const closed = refusal(429, 'CONCURRENCY_LIMIT_EXCEEDED')
  expect(
    await netsuite.write(scripted(done, closed), companies, [update('1'), update('2'), update('3')]),
  ).toMatchObject({
    value: [
      { key: 'u1', outcome: 'done' },
      { key: 'u2', failure: { action: 'retry', scope: 'account' } },
      { key: 'u3', failure: { action: 'retry', scope: 'account' } },
    ],
  })
  expect(await netsuite.write(scripted(closed), companies, [update('1'), update('2')])).toMatchObject({
    ok: false,
    failure: { action: 'retry', scope: 'account' },
  })
})

it.each([
  ['a login that works a moment later', { status: 200, body: {} }, { action: 'retry', scope: 'account' }],
  ['a login that meets the limit by its name', refusal(429, 'X'), { action: 'retry', scope: 'account' }],
  ['a login that fails again', refusal(401, 'INVALID_LOGIN'), { action: 'refresh_credentials' }],
])('takes %s for what it is', async (_name, second, failure) => {
  const http = scripted(refusal(401, 'INVALID_LOGIN', 'Invalid login attempt.'), second)
  expect(await netsuite.write(http, companies, [update('1')])).toMatchObject({ ok: false, failure })
})

it('takes a refused create for one that exists by its token alone, whatever the words', async () => {
  const refused = refusal(400, 'USER_ERROR', 'Ein Datensatz mit diesem Namen ist vorhanden.')
  const found = { body: { items: [{ id: '42' }] } }
  expect(await netsuite.write(scripted(refused, found), companies, [create('a')])).toMatchObject({
    value: [{ outcome: 'exists', id: '42' }],
  })
  const none = { body: { items: [] } }
  expect(await netsuite.write(scripted(refused, none), companies, [create('a')])).toMatchObject({
    value: [{ outcome: 'failed', failure: { action: 'park' } }],
  })
  const named = refusal(400, 'USER_ERROR', 'A customer record with this name already exists.')
  expect(await netsuite.write(scripted(named, none), companies, [create('a')])).toMatchObject({
    value: [{ outcome: 'exists', id: null }],
  })
})

it('replaces all lines of an order, and clears a field with null', async () => {
  const http = scripted(done)
  const lines = '[{"quantity":"02.50","item":"12","rate":"3","note":"?"}]'
  await netsuite.write(http, orders, [
    { kind: 'update', key: 'k', id: '5', fields: { item: lines, memo: '' }, references: { company: '9' } },
  ])
  expect(http.asked[0]).toMatchObject({
    method: 'PATCH',
    path: '/services/rest/record/v1/salesOrder/5?replace=item',
    json: { item: { items: [{ item: { id: '12' }, quantity: 2.5, rate: 3 }] }, memo: null, entity: { id: '9' } },
  })
})

it.each([
  ['a company without a name', companies, create('a', { companyName: ' ' })],
  ['an order without a customer', orders, create('a', { companyName: '' })],
])('does not ask for %s', async (_name, selection, operation) => {
  const http = scripted()
  expect(await netsuite.write(http, selection, [operation])).toMatchObject({
    value: [{ outcome: 'failed', failure: { action: 'park', code: 'required_field_missing' } }],
  })
  expect(http.asked).toEqual([])
})

it('names a contact by its address where it has nothing else', async () => {
  const http = scripted(made('1'))
  const contacts = { object: 'contact', fields: ['email'], references: [] }
  await netsuite.write(http, contacts, [{ ...create('a'), fields: { email: 'Ann@Example.com' } } as WriteOperation])
  expect(http.asked[0]!.json).toMatchObject({ email: 'ann@example.com', entityId: 'ann@example.com' })
})

it('parks a number that NetSuite would round', async () => {
  const http = scripted()
  const fields = { creditLimit: '9007199254740993' } as never
  expect(await netsuite.write(http, companies, [update('1', fields)])).toMatchObject({
    value: [{ outcome: 'failed', failure: { action: 'park', code: 'number_too_precise' } }],
  })
})

it('quotes what stands in a query', async () => {
  const http = scripted({ body: { items: [] } })
  const token = "' OR 1=1 --\\'\0"
  await netsuite.find(http, companies, { kind: 'create_token', values: [token] })
  expect(http.asked[0]!.json).toMatchObject({ q: expect.stringContaining(String.raw`IN (''' OR 1=1 --\''')`) })
})

it('refuses what cannot be a field or an object, as a bug of the caller', async () => {
  const selection = { ...companies, fields: ['name FROM employee --'] }
  await expect(netsuite.list(scripted(), selection, null, 1)).rejects.toMatchObject({ code: 'invalid_option' })
  const invoice = { object: 'invoice', fields: [], references: [] }
  await expect(netsuite.get(scripted(), invoice, [])).rejects.toMatchObject({ code: 'invalid_option' })
})

it('walks by its order and never by an offset, which ends at 100,000 rows', async () => {
  const row = (id: number) => ({ id: String(id), modified: '2026-03-01 12:00:02', created: '2026-03-01 12:00:02' })
  const instant = { body: { lastModifiedDate: '2026-03-01T20:00:02Z' } }
  const full = { body: { items: [row(1), row(2)], hasMore: true } }
  const first = scripted(full, instant, instant)
  const page = await netsuite.list(first, companies, null, 2)
  const second = scripted({ body: { items: [], hasMore: false } })
  await netsuite.list(second, companies, page.ok ? page.value.next : null, 2)
  const { path, json } = second.asked[0]!
  expect(path).toBe('/services/rest/query/v1/suiteql?limit=2')
  expect(JSON.stringify(json)).toContain(
    "t.lastmodifieddate = TO_DATE('2026-03-01 12:00:02', 'YYYY-MM-DD HH24:MI:SS') AND t.id > 2",
  )
  // A page that comes again is none.
  expect(await netsuite.list(scripted(full), companies, page.ok ? page.value.next : null, 2)).toMatchObject({
    failure: { action: 'retry' },
  })
})

it('does not take the date of a later change for that of the version it read', async () => {
  const row = { id: '1', modified: '2026-03-02 11:00:00', created: '2026-03-01 12:00:02' }
  const instant = { dateCreated: '2026-03-01T20:00:02Z', lastModifiedDate: '2026-03-02T20:00:00Z' }
  // Changed once more, an hour to the second after the change that was read, before the record itself was asked.
  const http = scripted({ body: { items: [row] } }, { body: instant })
  expect(await netsuite.get(http, companies, ['1'])).toMatchObject({
    value: [{ modifiedAt: '2026-03-02T19:00:00.000Z', createdAt: '2026-03-01T20:00:02.000Z' }],
  })
})

it('is not called by webhooks', () => {
  const request = { method: 'POST', url: 'https://x', headers: {}, rawBody: Buffer.from('[]') }
  expect(netsuite.verifyWebhook(request, 's', 'a', 0)).toMatchObject({ ok: false, code: 'webhook_signature_invalid' })
})
