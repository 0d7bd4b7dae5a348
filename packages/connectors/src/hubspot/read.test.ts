// What HubSpot leaves out of an answer, and what that means: nothing that is absent is believed without a reason.
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttp } from '../kit/create-http.ts'
import { scripted } from '../kit/test-scripted.ts'
import { hubspot } from './index.ts'

const contacts = { object: 'contact', fields: ['email', 'nickname'], references: [] }
const record = { id: '7', createdAt: '2026-03-01T12:00:00.000Z', properties: { email: null, nickname: null } }
const batch = (more: object, status = 207) => ({ status, body: { status: 'COMPLETE', results: [record], ...more } })

describe('records that a batch does not hold', () => {
  it.each([
    ['without a word', {}],
    ['as unknown', { errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['8'] } }] }],
    ['with an error that says nothing', { errors: [{ message: 'no' }] }],
  ])('%s, are gone', async (_, more) => {
    expect(await hubspot.get(scripted(batch(more)), contacts, ['7', '8'])).toMatchObject({ value: [{ id: '7' }] })
  })

  it.each([
    ['a limit', { category: 'RATE_LIMITS', message: 'secondly limit' }, 'account'],
    ['an error of the server', { category: 'INTERNAL_ERROR' }, 'call'],
    ['whatever else', { category: 'SOMETHING_NEW', message: 'Not now.' }, 'call'],
  ])('for %s, are asked for again', async (_, error, scope) => {
    expect(await hubspot.get(scripted(batch({ errors: [error] })), contacts, ['7', '8'])).toMatchObject({
      failure: { action: 'retry', scope },
    })
  })

  it.each(['PENDING', 'PROCESSING', 'CANCELED'])('of a batch that is %s are not known yet', async (status) => {
    const answer = await hubspot.get(scripted(batch({ status }, 200)), contacts, ['7', '8'])
    expect(answer).toMatchObject({ failure: { action: 'retry' } })
  })
})

describe('an account with many properties', () => {
  it('is listed whole, however long their names are together', async () => {
    const sandbox = await startSandbox()
    try {
      const { accessToken, id, url: baseUrl } = sandbox.createAccount({ connector: 'hubspot' })
      const hand = sandbox.person(id)
      const fields = Array.from({ length: 400 }, (_, n) => `a_property_with_a_name_that_is_long_enough_${n}`)
      for (const name of fields) hand.addField('contacts', { name, type: 'text' })
      const [first = '', last = ''] = [fields[0], fields.at(-1)]
      for (let n = 0; n < 3; n++)
        hand.create('contacts', { email: `p${n}@example.com`, [first]: `${n}`, [last]: 'end' })
      const http = createHttp({ baseUrl, accessToken })
      const selection = { object: 'contact', fields: ['email', ...fields], references: ['company'] }
      const page = await hubspot.list(http, selection, null, 2)
      expect(page).toMatchObject({
        ok: true,
        value: { records: [{ fields: { [last]: 'end' } }, { fields: { [first]: '1' } }] },
      })
      const rest = await hubspot.list(http, selection, page.ok ? page.value.next : null, 2)
      expect(rest).toMatchObject({
        ok: true,
        value: { next: null, records: [{ fields: { email: 'p2@example.com' } }] },
      })
      // In its address they would be more than a server reads.
      const asked = { method: 'GET', path: `/crm/v3/objects/contacts?properties=${fields.join(',')}` } as const
      expect((await http.request(asked)).status).toBe(431)
    } finally {
      await sandbox.close()
    }
  })
})

describe('a property that is left out', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.close())

  it('is empty where it exists; where it was deleted no read goes on, and no column is cleared', async () => {
    const { accessToken, id, url: baseUrl } = sandbox.createAccount({ connector: 'hubspot' })
    const hand = sandbox.person(id)
    hand.addField('contacts', { name: 'nickname', type: 'text' })
    const contact = hand.create('contacts', { email: 'a@example.com', nickname: 'Ada' })
    const http = createHttp({ baseUrl, accessToken })
    const since = { modifiedAt: '2000-01-01T00:00:00.000Z', id: '' }
    const reads = async () => [
      await hubspot.get(http, contacts, [contact]),
      await hubspot.list(http, contacts, null, 10),
      await hubspot.poll(http, contacts, since, 10),
      await hubspot.find(http, contacts, { kind: 'field', field: 'email', values: ['a@example.com'] }),
    ]
    for (const answer of await reads()) expect(JSON.stringify(answer)).toContain('Ada')
    await http.request({ method: 'DELETE', path: '/crm/v3/properties/contacts/nickname' })
    for (const answer of await reads())
      expect(answer).toMatchObject({
        failure: { action: 'pause', advice: expect.stringContaining('no property nickname of contacts') },
      })
    // One that is there and left out is empty: it costs a call to know.
    const there = scripted({ body: { results: [{ ...record, properties: {} }] } }, {}, {})
    expect(await hubspot.get(there, contacts, ['7'])).toMatchObject({
      value: [{ id: '7', fields: { email: null, nickname: null } }],
    })
    expect(there.asked.map(({ path }) => path.split('/').at(-1))).toEqual(['read?archived=false', 'email', 'nickname'])
  })
})
