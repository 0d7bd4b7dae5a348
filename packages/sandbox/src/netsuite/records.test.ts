// Records over REST: create, read, change, upsert, delete, sublists, lists with filters, bad input.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNetsuite } from './fixtures.ts'
import type { Netsuite } from './fixtures.ts'

let netsuite: Netsuite
let now = Date.parse('2026-03-01T12:00:00.000Z')
beforeAll(async () => {
  netsuite = await startNetsuite({ now: () => now })
  netsuite.sandbox
    .person(netsuite.account.id)
    .addField('customer', { name: 'custentity_tier', type: 'picklist', options: ['Gold', 'Silver'] })
})
afterAll(() => netsuite.sandbox.close())

describe('a record', () => {
  it('is created, read, changed and deleted', async () => {
    const { send } = netsuite
    const created = await send('POST', '/record/v1/customer', {
      companyName: 'Acme',
      email: 'a@acme.example',
      custentity_tier: { refName: 'Gold' },
    })
    expect(created.status).toBe(204)
    const path = new URL(created.headers.get('location')!).pathname.replace(/^.*\/services\/rest/, '')
    const read = await send('GET', path)
    expect(read.headers.get('content-type')).toBe('application/vnd.oracle.resource+json; type=singular')
    expect(read.body).toMatchObject({
      links: [{ rel: 'self', href: created.headers.get('location') }],
      entityId: 'Acme',
      companyName: 'Acme',
      isPerson: false,
      dateCreated: '2026-03-01T12:00:00Z',
      lastModifiedDate: '2026-03-01T12:00:00Z',
      subsidiary: { id: '1', refName: 'Parent Company' },
      custentity_tier: { id: '1', refName: 'Gold' },
      addressBook: { links: [{ rel: 'self' }] },
    })
    expect(read.body).not.toHaveProperty('phone')
    now += 60_000
    expect((await send('PATCH', path, { phone: '1', email: null })).status).toBe(204)
    const changed = (await send('GET', path)).body
    expect(changed).toMatchObject({ phone: '1', lastModifiedDate: '2026-03-01T12:01:00Z' })
    expect(changed).not.toHaveProperty('email')
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await send('GET', path)).body).toMatchObject({
      status: 404,
      'o:errorDetails': [{ 'o:errorCode': 'NONEXISTENT_ID' }],
    })
  })

  it('is upserted by its external id: made once, changed after', async () => {
    const { send } = netsuite
    const first = await send('PUT', '/record/v1/customer/eid:CID002', { companyName: 'Upserted' })
    const again = await send('PUT', '/record/v1/customer/eid:CID002', { phone: '2' })
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect((await send('GET', '/record/v1/customer/eid:CID002')).body).toMatchObject({
      companyName: 'Upserted',
      phone: '2',
      externalId: 'CID002',
    })
    expect((await send('PUT', '/record/v1/customer/eid:NEW', {})).status).toBe(400)
    expect((await send('GET', '/record/v1/customer/eid:NEW')).status).toBe(404)
  })

  it('has a name of its own among its kind', async () => {
    const { send, create } = netsuite
    await create('customer', { companyName: 'Only One' })
    expect(
      (await send('POST', '/record/v1/customer', { companyName: 'only one' })).body['o:errorDetails'][0],
    ).toMatchObject({ 'o:errorCode': 'USER_ERROR' })
    const company = await create('customer', { companyName: 'Employer' })
    await create('contact', { firstName: 'Ada', lastName: 'L', company: { id: company } })
    expect(
      (await send('POST', '/record/v1/contact', { firstName: 'Ada', lastName: 'L', company: { id: company } })).status,
    ).toBe(400)
    await create('contact', { firstName: 'Ada', lastName: 'L' })
  })
})

describe('a sales order', () => {
  it('has lines: added, changed by their number, replaced, read one by one or expanded', async () => {
    const { send, create } = netsuite
    const customer = await create('customer', { companyName: 'Buyer' })
    const item = await create('inventoryItem', { itemId: 'WIDGET', basePrice: 5 })
    const id = await create('salesOrder', {
      entity: { id: customer },
      item: {
        items: [
          { item: { id: item }, quantity: 2 },
          { item: { id: item }, rate: 3 },
        ],
      },
    })
    const path = `/record/v1/salesOrder/${id}`
    expect((await send('GET', path)).body).toMatchObject({
      total: 13,
      subtotal: 13,
      item: { links: [{ rel: 'self' }] },
      entity: { id: customer, refName: 'Buyer' },
    })
    await send('PATCH', path, { item: { items: [{ line: 2, quantity: 10 }, { item: { id: item } }] } })
    const expanded = (await send('GET', `${path}?expandSubResources=true`)).body
    expect(expanded.item.items).toMatchObject([
      { line: 1, amount: 10 },
      { line: 2, quantity: 10, amount: 30 },
      { line: 3, amount: 5 },
    ])
    expect(expanded.item.items[0].item).toMatchObject({ id: item, refName: 'WIDGET' })
    expect((await send('GET', `${path}/item`)).body).toMatchObject({ totalResults: 3, hasMore: false })
    expect((await send('GET', `${path}/item/2`)).body).toMatchObject({ line: 2, amount: 30 })
    await send('PATCH', `${path}?replace=item`, { item: { items: [{ item: { id: item }, quantity: 1 }] } })
    expect((await send('GET', path)).body.total).toBe(5)
    expect((await send('DELETE', `/record/v1/customer/${customer}`)).status).toBe(400)
    const transformed = await send('POST', `/record/v1/customer/${customer}/!transform/salesOrder`, {
      item: { items: [{ item: { id: item } }] },
    })
    expect(transformed.status).toBe(204)
  })

  it('names the place of what is wrong in its lines', async () => {
    const { send, create } = netsuite
    const customer = await create('customer', { companyName: 'Wrong' })
    const reply = await send('POST', '/record/v1/salesOrder', {
      entity: { id: customer },
      item: { items: [{ item: { id: '9999' } }] },
    })
    expect(reply.body['o:errorDetails'][0]).toMatchObject({
      'o:errorCode': 'INVALID_CONTENT',
      'o:errorPath': 'item.items[0].item',
    })
  })
})

describe('a list', () => {
  it('pages by limit and offset, in the envelope NetSuite uses', async () => {
    const { sandbox, send, create } = netsuite
    await fetch(`${sandbox.url}/_sandbox/reset`, { method: 'POST', body: JSON.stringify({ records: true }) })
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push(await create('contact', { firstName: 'C', lastName: String(n) }))
    const { body } = await send('GET', '/record/v1/contact?limit=2&offset=2')
    expect(body).toMatchObject({
      count: 2,
      hasMore: true,
      offset: 2,
      totalResults: 5,
      items: [{ id: ids[2] }, { id: ids[3] }],
    })
    expect(body.links.map((link: { rel: string }) => link.rel)).toEqual(['next', 'last', 'first', 'previous', 'self'])
    expect((await send('GET', '/record/v1/contact?limit=2&offset=4')).body).toMatchObject({ count: 1, hasMore: false })
    expect((await send('GET', '/record/v1/contact?limit=2&offset=1')).status).toBe(400)
    expect((await send('GET', '/record/v1/contact?limit=1001')).status).toBe(400)
  })

  it.each([
    ['firstName IS "c" AND lastName ANY_OF ["1", "3"]', 2],
    ['(lastName IS "1" OR lastName IS "2") AND isInactive IS false', 2],
    ['email EMPTY', 5],
    ['email EMPTY_NOT', 0],
    ['entityId START_WITH "C"', 5],
    ['dateCreated ON_OR_AFTER "3/1/2026"', 5],
    ['dateCreated BEFORE "3/1/2026"', 0],
    // 12:01 in UTC is 4:01 in the morning in the company's zone.
    ['lastModifiedDate AFTER "3/1/2026 4:01 am"', 0],
    ['lastModifiedDate ON_OR_AFTER "3/1/2026 4:01 am"', 5],
    ['id GREATER 0', 5],
  ])('is filtered by %s', async (q, count) => {
    expect((await netsuite.send('GET', `/record/v1/contact?q=${encodeURIComponent(q)}`)).body.totalResults).toBe(count)
  })

  it.each([
    'nosuch IS "1"',
    'firstName LIKES "1"',
    'dateCreated AFTER "2026-03-01"',
    'firstName IS "open',
    '(firstName IS "1"',
  ])('refuses the filter %s', async (q) => {
    const { status, body } = await netsuite.send('GET', `/record/v1/contact?q=${encodeURIComponent(q)}`)
    expect(status).toBe(400)
    expect(body['o:errorDetails'][0]).toMatchObject({ 'o:errorCode': 'INVALID_PARAMETER', 'o:errorQueryParam': 'q' })
  })
})

describe('bad input', () => {
  it.each([
    ['{"companyName":', 400, 'INVALID_CONTENT'],
    [{ companyName: 'A', nosuch: 1 }, 400, 'INVALID_CONTENT'],
    [{ companyName: 'A', isInactive: 'yes' }, 400, 'INVALID_CONTENT'],
    [{ companyName: 'A', email: 'none' }, 400, 'INVALID_CONTENT'],
    [{ companyName: 'A', custentity_tier: { id: '9' } }, 400, 'INVALID_CONTENT'],
    [{ companyName: 'A', salesRep: { id: '404' } }, 400, 'INVALID_CONTENT'],
    [{ companyName: 'x'.repeat(4001) }, 400, 'INVALID_CONTENT'],
    [{ companyName: 'A', startDate: '2026-02-30' }, 400, 'INVALID_CONTENT'],
    ['{"companyName":"A","creditLimit":{"a":1}}', 400, 'INVALID_CONTENT'],
    [{}, 400, 'USER_ERROR'],
    [[], 400, 'INVALID_CONTENT'],
  ])('%j is refused', async (body, status, code) => {
    const reply = await netsuite.send('POST', '/record/v1/customer', body)
    expect(reply.status).toBe(status)
    expect(reply.body['o:errorDetails'][0]['o:errorCode']).toBe(code)
  })

  it('in bytes that are no text, of a wrong type, at unknown places, is refused', async () => {
    const { sandbox, account, send } = netsuite
    const headers = { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json' }
    const bytes = await fetch(`${sandbox.url}/services/rest/record/v1/customer`, {
      method: 'POST',
      headers,
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    })
    expect(bytes.status).toBe(400)
    expect((await send('POST', '/record/v1/customer', '<a/>', { 'content-type': 'text/xml' })).status).toBe(400)
    expect(
      (await send('POST', '/record/v1/customer', '{"companyName":"X"}', { 'content-type': 'text/xml' })).status,
    ).toBe(415)
    expect((await send('GET', '/record/v1/unicorn')).status).toBe(404)
    expect((await send('PUT', '/record/v1/customer', {})).status).toBe(405)
    expect((await send('GET', '/record/v1/customer/nobody')).status).toBe(404)
    expect((await send('POST', '/record/v1/customer', '{"companyName":"B","creditLimit":1e400}')).status).toBe(400)
  })

  it('whole numbers beyond 2^53 are refused, not rounded', async () => {
    netsuite.sandbox.person(netsuite.account.id).addField('customer', { name: 'custentity_big', type: 'integer' })
    const reply = await netsuite.send(
      'POST',
      '/record/v1/customer',
      '{"companyName":"Big","custentity_big":9007199254740993}',
    )
    expect(reply.body['o:errorDetails'][0].detail).toContain('9007199254740993')
  })
})

it('custom records have a type, fields and a table of their own', async () => {
  const person = netsuite.sandbox.person(netsuite.account.id)
  expect(person.addObject('machine', 'Machine')).toBe('customrecord_machine')
  person.addField('customrecord_machine', { name: 'custrecord_owner', type: 'reference', referenceTo: 'customer' })
  const owner = await netsuite.create('customer', { companyName: 'Machine Owner' })
  await netsuite.create('customrecord_machine', { name: 'Press', custrecord_owner: { id: owner } })
  const { body } = await netsuite.suiteql(
    'select name, custrecord_owner, builtin.df(custrecord_owner) as owner from customrecord_machine',
  )
  expect(body.items).toEqual([{ links: [], name: 'Press', custrecord_owner: owner, owner: 'Machine Owner' }])
  const { body: schema } = await netsuite.send('GET', '/record/v1/metadata-catalog/customrecord_machine')
  expect(schema.properties.custrecord_owner).toMatchObject({ 'x-ns-custom-field': true, 'x-ns-reference': 'customer' })
  const { body: catalogue } = await netsuite.send('GET', '/record/v1/metadata-catalog')
  expect(catalogue.items.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['customer', 'contact', 'salesOrder', 'customrecord_machine']),
  )
})

it('merging two customers leaves one: what named the other names it, and the other is told as deleted', async () => {
  const { sandbox, account, create, send, suiteql } = netsuite
  const winner = await create('customer', { companyName: 'Stays' })
  const loser = await create('customer', { companyName: 'Goes' })
  const contact = await create('contact', { firstName: 'M', lastName: 'M', company: { id: loser } })
  expect(sandbox.person(account.id).merge('customer', winner, loser)).toBe(winner)
  expect((await send('GET', `/record/v1/contact/${contact}`)).body.company).toMatchObject({ id: winner })
  expect((await send('GET', `/record/v1/customer/${loser}`)).status).toBe(404)
  const { body } = await suiteql(
    `select recordid, context from deletedrecord where type = 'customer' and recordid = ${loser}`,
  )
  expect(body.items).toEqual([{ links: [], recordid: loser, context: 'UIF' }])
  expect(() => sandbox.person(account.id).restore('customer', loser)).toThrow('no recycle bin')
})
