// The engine with the simulated NetSuite in trouble: a machine's login, customers, contacts and orders with their
// lines both ways, while calls are refused in all three disguises, fail, and lose their answers before and after the
// work is done.
import { generateKeyPairSync } from 'node:crypto'
import type { CreatedAccount, Hand } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { fast, useHouse, withLimits } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 50 }

const ORDERS = `
create table sales_orders (
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  number text, ordered_on date, status text, memo text, lines jsonb, company_id uuid,
  primary key (organization_id, id),
  foreign key (organization_id, company_id) references companies (organization_id, id) on delete set null (company_id)
);
select rowhouse.protect('sales_orders');`

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const machine = {
  clientId: 'rowhouse-machine',
  clientSecret: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
}
const certificate = { id: 'certificate-1', publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }

function createAccount(name: string, limits: object = {}): CreatedAccount {
  const apps = [{ clientId: machine.clientId, clientSecret: 'not used', certificates: [certificate] }]
  return house().createAccount({ connector: 'netsuite', name, apps, limits })
}

const connect = (index: number, account: CreatedAccount): Promise<Household> =>
  house().connect(index, account, {
    ...machine,
    accessToken: 'none',
    refreshToken: `certificate:${certificate.id}@${account.id}`,
  })

beforeAll(async () => {
  await withClient(house().database.migratorUrl, (client) => client.query(ORDERS))
})

describe('an organization with a NetSuite account in trouble', () => {
  let alder: Household
  let person: Hand
  let item: string
  const ids: Record<string, string> = {}

  beforeAll(async () => {
    const account = createAccount('Alder', { timeZone: 'Europe/Paris', concurrencyError: 'any' })
    person = house().sandbox.person(account.id)
    item = person.create('inventoryItem', { itemId: 'Plank', basePrice: 4 })
    ids['ash'] = person.create('customer', { companyName: 'Ash', url: 'https://ash.example' })
    ids['ann'] = person.create('customer', { isPerson: true, firstName: 'Ann', lastName: 'Elm' })
    for (let n = 0; n < 12; n++)
      ids[`p${n}`] = person.create('contact', {
        email: `p${n}@ash.example`,
        lastName: `Old ${n}`,
        company: { id: ids['ash'] },
      })
    ids['order'] = person.create('salesOrder', {
      entity: { id: ids['ash'] },
      tranDate: '2026-03-29',
      memo: 'First',
      item: { items: [{ item: { id: item }, quantity: 3 }] },
    })
    alder = await connect(0, account)
    house().sandbox.chaos(account.id, {
      status429Rate: 0.03,
      status5xxRate: 0.01,
      timeoutBeforeRate: 0.01,
      timeoutAfterRate: 0.03,
      htmlRate: 0.01,
      truncatedRate: 0.01,
    })
    house().sync.worker.start()
    await house().live(alder)
  })

  const rows = async (sql: string): Promise<unknown[]> => (await alder.person.query(sql)).rows
  const records = (type: string): Promise<Record<string, unknown>[]> => house().records(alder.account, type)
  const settled = async (): Promise<void> => {
    await expect.poll(async () => (await rows('select from rowhouse_home.sync_marks')).length, soon).toBe(0)
  }

  it('reads customers, people among them, contacts and orders with their lines', async () => {
    expect(await rows('select name, domain from companies order by name')).toEqual([
      { name: 'Ann Elm', domain: null },
      { name: 'Ash', domain: 'ash.example' },
    ])
    expect(
      await rows(
        `select count(*)::int as n, min(o.name) as company
         from contacts c join companies o on o.id = c.company_id where c.last_name like 'Old %'`,
      ),
    ).toEqual([{ n: 12, company: 'Ash' }])
    expect(
      await rows(`select ordered_on::text, status, memo, lines, o.name
                  from sales_orders s join companies o on o.id = s.company_id`),
    ).toEqual([
      {
        ordered_on: '2026-03-29',
        status: 'B',
        memo: 'First',
        lines: [{ item, quantity: '3', rate: '4', amount: '12' }],
        name: 'Ash',
      },
    ])
  })

  it('sends creates, changes and deletes of all three, each once', async () => {
    await alder.person.query(
      `with c as (insert into companies (name, domain) values ('Elm', 'elm.example') returning id),
         p as (insert into contacts (email, last_name, company_id) select 'new@elm.example', 'New', id from c)
       insert into sales_orders (number, ordered_on, lines, company_id)
       select 'WEB-1', '2026-10-25', jsonb_build_array(jsonb_build_object('item', $1::text, 'quantity', 2, 'rate', 1.50)), id
       from c`,
      [item],
    )
    await alder.person.query(`update contacts set title = 'Chief' where email = 'p1@ash.example'`)
    await alder.person.query(`delete from contacts where email = 'p2@ash.example'`)
    await alder.person.query(`update sales_orders set memo = 'Second', lines = lines || lines where memo = 'First'`)
    await expect
      .poll(async () => (await records('contact')).map(({ title, email }) => title ?? email), soon)
      .toEqual(expect.arrayContaining(['Chief', 'new@elm.example']))
    await expect
      .poll(async () => (await records('salesOrder')).map(({ memo, tranId }) => memo ?? tranId), soon)
      .toEqual(['Second', 'WEB-1'])
    await expect.poll(async () => (await records('contact')).length, soon).toBe(12)
    await settled()
    const contacts = await records('contact')
    expect(contacts.find(({ email }) => email === 'new@elm.example')).toMatchObject({ company: { refName: 'Elm' } })
    expect(contacts.find(({ id }) => id === ids['p1'])).toMatchObject({ title: 'Chief' })
    expect(contacts.some(({ id }) => id === ids['p2'])).toBe(false)
    expect((await records('customer')).map(({ companyName }) => companyName)).toEqual(['Ash', undefined, 'Elm'])
    const orders = await records('salesOrder')
    expect(orders).toMatchObject([
      { memo: 'Second', total: 24, item: { totalResults: 2 } },
      { tranId: 'WEB-1', tranDate: '2026-10-25', entity: { refName: 'Elm' }, total: 3, item: { totalResults: 1 } },
    ])
    // The amount that NetSuite worked out came back into the row, and went out no more.
    await expect
      .poll(() => rows(`select lines from sales_orders where number = 'WEB-1'`), soon)
      .toEqual([{ lines: [{ item, quantity: '2', rate: '1.5', amount: '3' }] }])
  })

  it('takes changes, deletes and merges that people make there', async () => {
    person.update('contact', ids['p3']!, { title: 'Boss', company: { id: ids['ann'] } })
    person.remove('contact', ids['p4']!)
    person.merge('contact', ids['p5']!, ids['p6']!)
    person.update('salesOrder', ids['order']!, { memo: null, tranDate: '2026-04-01' })
    await expect
      .poll(
        () =>
          rows(`select c.title, o.name from contacts c join companies o on o.id = c.company_id
                where c.email = 'p3@ash.example'`),
        soon,
      )
      .toEqual([{ title: 'Boss', name: 'Ann Elm' }])
    await expect
      .poll(() => rows(`select email from contacts where email ~ '^p[456]@'`), soon)
      .toEqual([{ email: 'p5@ash.example' }])
    await expect
      .poll(() => rows(`select memo, ordered_on::text from sales_orders where number <> 'WEB-1'`), soon)
      .toEqual([{ memo: null, ordered_on: '2026-04-01' }])
  })

  it('ends with both sides equal, nothing twice, and nothing given up', async () => {
    house().sandbox.chaos(alder.account.id)
    await settled()
    const theirs = (await records('contact')).map(({ email, title }) => [email, title ?? null])
    const ours = (await rows('select email, title from contacts')) as { email: string; title: string | null }[]
    expect(theirs.toSorted(byEmail)).toEqual(ours.map(({ email, title }) => [email, title]).toSorted(byEmail))
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toEqual([])
    const { state } = await house().sync.connections.get(alder.organizationId, alder.connection.id)
    expect(state).toBe('live')
    const { rows: sent } = await alder.person.query<{ n: number }>(
      `select count(*)::int as n from rowhouse_home.sync_deliveries where kind = 'create' and status = 'delivered'`,
    )
    expect(sent).toEqual([{ n: 3 }])
  })
})

describe('an account that takes two requests at once', () => {
  const limits = { concurrencyMax: 2, concurrencyError: '429' }
  const atOnce = (concurrent: number | null) =>
    new Map(
      [...fast].map(([id, connector]) => [
        id,
        withLimits(connector, {
          budgets: connector.describe().budgets.map((budget) => ({ ...budget, concurrent })),
        }),
      ]),
    )

  /** Two organizations and two engines at one account, whose every answer takes a while. */
  async function refusals(concurrent: number | null): Promise<number> {
    await house().sync.worker.stop()
    const account = createAccount(`At once ${concurrent}`, limits)
    const engines = [
      house().engine({ connectors: atOnce(concurrent) }),
      house().engine({ connectors: atOnce(concurrent) }),
    ]
    const households = [await connect(0, account), await connect(1, account)]
    for (const { person } of households)
      await person.query(
        `insert into contacts (email, last_name)
         select n || '@' || $1, 'N' || n || $1 from generate_series(1, 8) n`,
        [`${account.id}.example`],
      )
    house().sandbox.chaos(account.id, { latencyMs: 15 })
    for (const engine of engines) engine.worker.start()
    try {
      for (const household of households) await house().live(household)
      await expect.poll(async () => (await house().records(account, 'contact')).length, soon).toBeGreaterThanOrEqual(8)
      return (await house().requests(account)).filter(({ status }) => status === 429).length
    } finally {
      for (const engine of engines) await engine.close()
      await withClient(house().database.adminUrl, (admin) =>
        admin.query('delete from rowhouse.connections where id = any ($1)', [
          households.map(({ connection }) => connection.id),
        ]),
      )
    }
  }

  it('is never asked a third, whichever worker asks', async () => {
    expect(await refusals(2)).toBe(0)
  })

  it('refuses where nobody counts', async () => {
    expect(await refusals(null)).toBeGreaterThan(0)
  })
})

const byEmail = ([a]: readonly unknown[], [b]: readonly unknown[]): number => (String(a) < String(b) ? -1 : 1)
