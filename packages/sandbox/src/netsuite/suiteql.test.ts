// SuiteQL: what a sync asks for, in the language and the paging it has.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNetsuite } from './fixtures.ts'
import type { Netsuite } from './fixtures.ts'

let netsuite: Netsuite
let now = Date.parse('2026-03-01T20:00:00.000Z')
const ids: string[] = []

beforeAll(async () => {
  netsuite = await startNetsuite({ now: () => now })
  for (let n = 0; n < 6; n++) {
    ids.push(await netsuite.create('customer', { companyName: `Company ${n}`, ...(n % 2 ? { phone: String(n) } : {}) }))
    // Two of each second: a cursor by time alone would lose one.
    if (n % 2) now += 1000
  }
  await netsuite.create('contact', { firstName: 'Ann', lastName: 'A', company: { id: ids[0] } })
  await netsuite.create('contact', { firstName: 'Bob', lastName: 'B' })
})
afterAll(() => netsuite.sandbox.close())

const rows = async (q: string): Promise<Record<string, string>[]> => {
  const { status, body } = await netsuite.suiteql(q)
  expect(body).toMatchObject({ count: expect.any(Number) })
  expect(status).toBe(200)
  return body.items.map(({ links: _links, ...row }: { links: unknown }) => row)
}

describe('a query', () => {
  it('gives text for everything and leaves out what is null', async () => {
    const [row] = await rows(
      `select id, companyname, phone, isinactive, lastmodifieddate from customer where id = ${ids[0]}`,
    )
    expect(row).toEqual({ id: ids[0], companyname: 'Company 0', isinactive: 'F', lastmodifieddate: '3/1/2026' })
  })

  it('walks a keyset of time and id in the company’s own clock, and misses none of a second', async () => {
    const seen: string[] = []
    let after = { at: '2026-03-01 00:00:00', id: '0' }
    for (let page = 0; page < 6; page++) {
      const [row] = await rows(`
        SELECT id, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS at FROM customer
        WHERE lastmodifieddate > TO_DATE('${after.at}', 'YYYY-MM-DD HH24:MI:SS')
           OR (lastmodifieddate = TO_DATE('${after.at}', 'YYYY-MM-DD HH24:MI:SS') AND id > ${after.id})
        ORDER BY lastmodifieddate, id FETCH FIRST 1 ROWS ONLY`)
      after = row as typeof after
      seen.push(after.id)
    }
    expect(seen).toEqual(ids)
    expect(after.at).toBe('2026-03-01 12:00:02')
  })

  it.each([
    ["select count(*) as n from customer where companyname like 'Company%'", [{ n: '6' }]],
    ['select count(phone) as n, min(id) as low from customer', [{ n: '3', low: () => ids[0] }]],
    [
      "select companyname from customer where companyname in ('Company 1', 'Company 4') order by companyname desc",
      [{ companyname: 'Company 4' }, { companyname: 'Company 1' }],
    ],
    [
      'select co.entityid as who, cu.companyname from contact co join customer cu on co.company = cu.id',
      [{ who: 'Ann A', companyname: 'Company 0' }],
    ],
    [
      'select co.entityid as who, cu.companyname from contact co left join customer cu on cu.id = co.company order by co.id',
      [{ who: 'Ann A', companyname: 'Company 0' }, { who: 'Bob B' }],
    ],
    [
      "select nvl(phone, 'none') as phone, count(*) as n from customer group by nvl(phone, 'none') order by n desc",
      [
        { phone: 'none', n: '3' },
        { phone: '1', n: '1' },
        { phone: '3', n: '1' },
        { phone: '5', n: '1' },
      ],
    ],
    [
      "select type, entityid from entity where type = 'Contact'",
      [
        { type: 'Contact', entityid: 'Ann A' },
        { type: 'Contact', entityid: 'Bob B' },
      ],
    ],
    ["select id from customer where phone is not null and not (phone = '1' or phone = '3')", [{ id: () => ids[5] }]],
    ['select 1 + 2 * 3 as seven from subsidiary', [{ seven: '7' }]],
    ["select count(*) as n from customer where datecreated >= '03/01/2026' and datecreated < '3/2/2026'", [{ n: '6' }]],
  ])('answers %s', async (q, expected) => {
    const resolved = expected.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, typeof value === 'function' ? value() : value]),
      ),
    )
    expect(await rows(q)).toEqual(resolved)
  })

  it('of orders joins lines to their transaction', async () => {
    const item = await netsuite.create('inventoryItem', { itemId: 'X', basePrice: 2 })
    const order = await netsuite.create('salesOrder', {
      entity: { id: ids[0] },
      item: { items: [{ item: { id: item }, quantity: 3 }] },
    })
    expect(
      await rows(
        `select t.id, t.type, t.foreigntotal, l.quantity, BUILTIN.DF(l.item) as item from transaction t join transactionline l on l.transaction = t.id where t.type = 'SalesOrd'`,
      ),
    ).toEqual([{ id: order, type: 'SalesOrd', foreigntotal: '6', quantity: '-3', item: 'X' }])
  })

  it('tells what was deleted, and when', async () => {
    const gone = await netsuite.create('customer', { companyName: 'Gone' })
    await netsuite.send('DELETE', `/record/v1/customer/${gone}`)
    expect(
      await rows(
        `select recordid, type, context, name, to_char(deleteddate, 'YYYY-MM-DD') as at from deletedrecord where deleteddate >= to_date('2026-03-01','YYYY-MM-DD')`,
      ),
    ).toEqual([{ recordid: gone, type: 'customer', context: 'RST', name: 'Gone', at: '2026-03-01' }])
  })
})

describe('paging', () => {
  it('is by limit and offset, a thousand at most, a hundred thousand in all', async () => {
    const page = await netsuite.suiteql('select id from customer order by id', '?limit=2&offset=2')
    expect(page.body).toMatchObject({
      count: 2,
      offset: 2,
      hasMore: true,
      totalResults: 6,
      items: [{ id: ids[2] }, { id: ids[3] }],
    })
    expect((await netsuite.suiteql('select id from customer', '?limit=1001')).status).toBe(400)
    expect((await netsuite.suiteql('select id from customer', '?limit=1000&offset=100000')).status).toBe(400)
  })
})

describe('a bad query', () => {
  it.each([
    ['select nosuch from customer', "Field 'nosuch' for record 'customer' was not found"],
    ['select id from nosuch', "Record 'nosuch' was not found"],
    ['select id from', 'not expected'],
    ['update customer set id = 1', 'not expected'],
    ["select id from customer where lastmodifieddate > '2026-01-01'", 'TO_DATE'],
    ['select id, ( from customer', 'not expected'],
    ["select id from customer where lastmodifieddate > to_date('nonsense', 'YYYY-MM-DD')", 'does not fit'],
    ['select nap(1) from customer', 'NAP is not known'],
  ])('%s is refused', async (q, message) => {
    const { status, body } = await netsuite.suiteql(q)
    expect(status).toBe(400)
    expect(body['o:errorDetails'][0]).toMatchObject({
      'o:errorCode': 'INVALID_PARAMETER',
      detail: expect.stringContaining(message) as string,
    })
  })

  it('without the Prefer header is refused', async () => {
    const { status, body } = await netsuite.send('POST', '/query/v1/suiteql', { q: 'select id from customer' })
    expect(status).toBe(400)
    expect(body['o:errorDetails'][0]).toMatchObject({ 'o:errorHeader': 'Prefer' })
  })
})

it('sees a daylight saving change: of an hour that comes twice, none is lost', async () => {
  // 2026-11-01 08:30Z is 1:30 in daylight time, 09:30Z is 1:30 again in standard time.
  for (const instant of ['2026-11-01T08:30:00Z', '2026-11-01T09:30:00Z']) {
    now = Date.parse(instant)
    await netsuite.create('customer', { companyName: `Hour ${instant}` })
  }
  const found = await rows(
    `select to_char(datecreated, 'HH24:MI') as at from customer where companyname like 'Hour%' and datecreated >= to_date('2026-11-01 01:30','YYYY-MM-DD HH24:MI')`,
  )
  expect(found).toEqual([{ at: '01:30' }, { at: '01:30' }])
})
