// Values that nobody should have and somebody has, and answers that are none, with each CRM, from the CRM to the row and from
// the row to the CRM: too long, no text, beyond what a double holds, around a change of the clocks, empty, unknown to a pick
// list; pages of HTML, pages that repeat. What one CRM takes another refuses: either way both sides hold the same, or a dead
// letter says why and the siblings arrive. Long because each of three CRMs is asked the same of every one of them.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectors, createHttp } from '@rowhouse/connectors'
import type { Connector, ObjectMapping } from '@rowhouse/connectors'
import type { CreatedAccount, Hand } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { salesTables } from './fixtures/sales-tables.ts'

const house = useHouse({}, salesTables)
const soon = { timeout: 60_000, interval: 20 }

interface Crm {
  readonly connector: 'hubspot' | 'salesforce' | 'netsuite'
  /** The custom object, as selections and people name it. */
  readonly object: string
  readonly field: (column: string) => string
  readonly valuesOf: (record: Record<string, unknown>) => Record<string, unknown>
  /** What clears a text there. */
  readonly empty: string | null
  /** The most exact number that the CRM holds, as a person enters it. */
  readonly exact: string | number
  /** More records than a page has … */
  readonly pages: number
  /** … and how a page of them is asked for. */
  readonly page: RegExp
}

const crms: readonly Crm[] = [
  {
    connector: 'hubspot',
    object: '2-1',
    field: (column) => column,
    valuesOf: (record) => record['properties'] as Record<string, unknown>,
    empty: '',
    exact: '9007199254740993',
    pages: 250,
    page: /\/2-1\?limit=/,
  },
  {
    connector: 'salesforce',
    object: 'Machine__c',
    field: (column) => `${column}__c`,
    valuesOf: (record) => record,
    empty: null,
    exact: 9_007_199_254_740_992,
    pages: 2100,
    page: /FROM.Machine__c.*ORDER.BY.Id/,
  },
  {
    connector: 'netsuite',
    object: 'customrecord_machine',
    field: (column) => `custrecord_${column}`,
    valuesOf: (record) => record,
    empty: null,
    exact: 900_719_925_474_099,
    pages: 1100,
    page: /FROM.customrecord_machine.*ORDER.BY/i,
  },
]

const fields = [
  { name: 'serial', type: 'text' },
  { name: 'weight', type: 'number' },
  { name: 'bought_on', type: 'date' },
  { name: 'seen_at', type: 'datetime' },
  { name: 'size', type: 'picklist', options: ['small', 'large'] },
] as const

afterEach(async () => {
  await house().sync.worker.stop()
  const stored = await house().sync.connections.list(house().owners.map(({ organizationId }) => organizationId))
  await withClient(house().database.adminUrl, async (admin) => {
    await admin.query('delete from rowhouse.connections where id = any ($1)', [stored.map(({ id }) => id)])
    for (const { organizationId } of house().owners)
      for (const table of ['machines', 'sync_links', 'sync_marks', 'sync_dead_letters', 'sync_cursors'])
        await admin.query(
          `delete from ${table.startsWith('sync') ? `rowhouse_home.${table}` : table} where organization_id = $1`,
          [organizationId],
        )
  })
})

describe.each(crms)('with $connector', (crm) => {
  let accounts = 0

  function open(): { account: CreatedAccount; hand: Hand } {
    accounts += 1
    const account = house().createAccount({ connector: crm.connector, name: `${crm.connector} ${accounts}` })
    const hand = house().sandbox.person(account.id)
    const remoteName = hand.addObject(crm.connector === 'salesforce' ? 'Machine' : 'machine', 'Machine')
    for (const { name, ...field } of fields) hand.addField(remoteName, { name: crm.field(name), ...field })
    return { account, hand }
  }

  const mapping: readonly ObjectMapping[] = [
    {
      object: crm.object,
      table: 'machines',
      fields: fields.map(({ name }) => ({ column: name, field: crm.field(name) })),
      references: [],
      matchBy: [],
    },
  ]

  const connect = (account: CreatedAccount, more: object = {}): Promise<Household> =>
    house().connect(0, account, { mapping, ...more })

  async function live(): Promise<{ alder: Household; hand: Hand }> {
    const { account, hand } = open()
    const alder = await connect(account)
    house().sync.worker.start()
    await house().live(alder)
    return { alder, hand }
  }

  const valuesIn = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(values).map(([column, value]) => [crm.field(column), value]))

  /** What the account holds, by column. */
  const there = async ({ account }: Household): Promise<Record<string, unknown>[]> =>
    (await house().records(account, crm.object)).map((record) => {
      const values = crm.valuesOf(record)
      return {
        id: String(record['id'] ?? record['Id']),
        ...Object.fromEntries(fields.map(({ name }) => [name, values[crm.field(name)] ?? null])),
      }
    })
  const serialsThere = async (household: Household): Promise<string[]> =>
    (await there(household)).map(({ serial }) => (typeof serial === 'string' ? serial : '')).toSorted()

  const here = async ({ person }: Household, columns: string): Promise<Record<string, unknown>[]> =>
    (await person.query(`select ${columns} from machines order by serial collate "C"`)).rows
  const serialsHere = async (household: Household): Promise<unknown[]> =>
    (await here(household, 'serial')).map(({ serial }) => serial)

  const letters = async ({ organizationId, acting }: Household): Promise<string[]> =>
    (await house().sync.deadLetters.list(organizationId, acting)).map(({ direction }) => direction)

  async function settled({ person }: Household): Promise<void> {
    await expect.poll(async () => (await person.query('select from rowhouse_home.sync_marks')).rowCount, soon).toBe(0)
  }

  const deliveries = async ({ person, connection }: Household): Promise<number> =>
    (
      await person.query(
        `select from rowhouse_home.sync_deliveries where connection_id = $1 and status = 'delivered'`,
        [connection.id],
      )
    ).rowCount ?? 0

  it('a value of a megabyte arrives whole, or is parked and whole here; its siblings arrive', async () => {
    const { alder } = await live()
    const long = 'x'.repeat(1_048_576)
    await alder.person.query(`insert into machines (serial) values ('a'), ($1), ('z')`, [long])
    await expect
      .poll(async () => {
        const serials = await serialsThere(alder)
        const arrived = serials.includes(long)
        return [serials.filter((serial) => serial !== long), arrived || (await letters(alder)).length === 1]
      }, soon)
      .toEqual([['a', 'z'], true])
    expect((await serialsHere(alder))[1] === long).toBe(true)
    await alder.person.query(`update machines set serial = 'short' where length(serial) > 1000`)
    await expect.poll(() => serialsThere(alder), soon).toEqual(['a', 'short', 'z'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })

  it('bytes that are no UTF-8 are no character of a row: parked, its siblings are applied, and a replay brings the text', async () => {
    const { account, hand } = open()
    for (const serial of ['a', 'SPOIL', 'z']) hand.create(crm.object, valuesIn({ serial }))
    const spoiler = await startSpoiler(account)
    const alder = await connect(account, { baseUrl: spoiler.url })
    house().sync.worker.start()
    await house().live(alder)
    expect(await serialsHere(alder)).toEqual(['a', 'z'])
    expect(await letters(alder)).toEqual(['inbound'])
    spoiler.spoils = false
    const [letter] = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    await house().sync.deadLetters.replay(alder.organizationId, letter?.id ?? '')
    await expect.poll(() => serialsHere(alder), soon).toEqual(['SPOIL', 'a', 'z'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })

  it('a number beyond 2^53 has the same digits on both sides, or is parked and keeps them here', async () => {
    const { account, hand } = open()
    hand.create(crm.object, valuesIn({ serial: 'theirs', weight: crm.exact }))
    const alder = await connect(account)
    house().sync.worker.start()
    await house().live(alder)
    expect(await here(alder, 'serial, weight::text')).toEqual([{ serial: 'theirs', weight: String(crm.exact) }])
    const ours = '9007199254740995'
    await alder.person.query(`insert into machines (serial, weight) values ('ours', $1), ('plain', 42.5)`, [ours])
    await expect
      .poll(async () => (await serialsThere(alder)).filter((serial) => serial !== 'ours'), soon)
      .toEqual(['plain', 'theirs'])
    await expect
      .poll(async () => {
        const sent = (await there(alder)).find(({ serial }) => serial === 'ours')
        return sent === undefined ? letters(alder) : sent['weight']
      }, soon)
      .toEqual(crm.connector === 'hubspot' ? ours : ['outbound'])
    await settled(alder)
    expect(await here(alder, 'serial, weight::text')).toEqual([
      { serial: 'ours', weight: ours },
      { serial: 'plain', weight: '42.5' },
      { serial: 'theirs', weight: String(crm.exact) },
    ])
  })

  it('instants and days around the changes of the clocks are the same on both sides, and nothing comes back', async () => {
    const { alder, hand } = await live()
    const moments = [
      { serial: 'a', seen_at: '2026-03-29T00:59:59.000Z', bought_on: '2026-03-29' },
      { serial: 'b', seen_at: '2026-10-25T00:30:00.000Z', bought_on: '2026-10-25' },
      { serial: 'c', seen_at: '2026-11-01T05:30:00.000Z', bought_on: '2026-11-01' },
      { serial: 'd', seen_at: '2026-11-01T06:30:00.000Z', bought_on: '2026-03-08' },
    ]
    await alder.person.query(
      `insert into machines (serial, seen_at, bought_on)
       select m.serial, m.seen_at, m.bought_on from jsonb_to_recordset($1::jsonb) as m(serial text, seen_at timestamptz, bought_on date)`,
      [JSON.stringify(moments)],
    )
    const shown = async (): Promise<unknown[]> =>
      (await there(alder))
        .map(({ serial, seen_at: seen, bought_on: bought }) => ({
          serial,
          seen_at: new Date(String(seen)).toISOString(),
          bought_on: String(bought).slice(0, 10),
        }))
        .toSorted((a, b) => (String(a.serial) < String(b.serial) ? -1 : 1))
    await expect.poll(async () => (await there(alder)).length, soon).toBe(moments.length)
    expect(await shown()).toEqual(moments)
    // Another way round, in the hour that comes twice: the second of the two.
    const first = (await there(alder)).find(({ serial }) => serial === 'a')
    hand.update(crm.object, String(first?.['id']), valuesIn({ seen_at: '2026-10-25T01:30:00.000Z' }))
    await expect
      .poll(async () => (await here(alder, 'seen_at'))[0], soon)
      .toEqual({ seen_at: new Date('2026-10-25T01:30:00.000Z') })
    await settled(alder)
    expect(await deliveries(alder)).toBe(moments.length)
    expect((await here(alder, 'bought_on::text')).map(({ bought_on: day }) => day)).toEqual(
      moments.map(({ bought_on: day }) => day),
    )
  })

  it('null here and empty there are one value: nothing is sent for it, and either clears the other', async () => {
    const { account, hand } = open()
    const id = hand.create(crm.object, valuesIn({ serial: 'full' }))
    const alder = await connect(account)
    house().sync.worker.start()
    await house().live(alder)
    expect(await serialsHere(alder)).toEqual(['full'])
    hand.update(crm.object, id, valuesIn({ serial: crm.empty }))
    await expect.poll(() => serialsHere(alder), soon).toEqual([null])
    await settled(alder)
    const before = await deliveries(alder)
    await alder.person.query(`update machines set serial = ''`)
    await settled(alder)
    expect(await deliveries(alder)).toBe(before)
    await alder.person.query(`update machines set serial = 'ours'`)
    await expect.poll(() => serialsThere(alder), soon).toEqual(['ours'])
    await alder.person.query(`update machines set serial = ''`)
    await expect.poll(() => serialsThere(alder), soon).toEqual([''])
    await settled(alder)
    expect(await serialsHere(alder)).toEqual([''])
    expect(await letters(alder)).toEqual([])
  })

  it('a value that the pick list does not know is parked with the CRM’s words, and sent when it is one', async () => {
    const { alder } = await live()
    const large = await choice(alder.account, 'large')
    await alder.person.query(`insert into machines (serial, size) values ('a', 'Time travel'), ('b', $1)`, [large])
    await expect.poll(() => serialsThere(alder), soon).toEqual(['b'])
    await expect.poll(() => letters(alder), soon).toEqual(['outbound'])
    const [letter] = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    expect(letter?.reason.length).toBeGreaterThan(10)
    await alder.person.query(`update machines set size = $1 where serial = 'a'`, [large])
    await expect.poll(() => serialsThere(alder), soon).toEqual(['a', 'b'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })

  it('HTML where the work is done is asked what became of it: all arrives once, both ways', async () => {
    const { alder, hand } = await live()
    house().sandbox.chaos(alder.account.id, { htmlRate: 0.4 })
    await alder.person.query(`insert into machines (serial) select 'h' || n from generate_series(1, 25) n`)
    hand.create(crm.object, valuesIn({ serial: 'theirs' }))
    await expect.poll(async () => (await there(alder)).length, soon).toBe(26)
    await expect.poll(async () => (await serialsHere(alder)).length, soon).toBe(26)
    house().sandbox.chaos(alder.account.id)
    await settled(alder)
    expect(new Set(await serialsThere(alder)).size).toBe(26)
    expect(await serialsThere(alder)).toHaveLength(26)
    expect(await letters(alder)).toEqual([])
  })

  it('an error with status 200 is no news: nothing is deleted here, and all arrives once, both ways', async () => {
    const { account, hand } = open()
    for (let n = 0; n < 12; n++) hand.create(crm.object, valuesIn({ serial: `s${n}` }))
    const alder = await connect(account)
    house().sync.worker.start()
    await house().live(alder)
    house().sandbox.chaos(account.id, { errorBodyRate: 0.4 })
    // Reads every record again, and asks by its id for each that it does not meet.
    await house().sync.connections.resync(alder.organizationId, alder.connection.id)
    await alder.person.query(`insert into machines (serial) select 'h' || n from generate_series(1, 12) n`)
    hand.create(crm.object, valuesIn({ serial: 'theirs' }))
    await expect.poll(async () => (await there(alder)).length, soon).toBe(25)
    await expect.poll(async () => (await serialsHere(alder)).length, soon).toBe(25)
    house().sandbox.chaos(account.id)
    await house().live(alder)
    await settled(alder)
    expect(await serialsThere(alder)).toEqual(await serialsHere(alder))
    expect(new Set(await serialsHere(alder)).size).toBe(25)
    expect(await letters(alder)).toEqual([])
  })

  it('a page that repeats is noticed and asked for later; then every record is here once', async () => {
    const { account, hand } = open()
    for (let n = 0; n < crm.pages; n++) hand.create(crm.object, valuesIn({ serial: `p${n}` }))
    const spoiler = await startSpoiler(account)
    const alder = await connect(account, { baseUrl: spoiler.url })
    spoiler.repeats = crm.page
    house().sync.worker.start()
    // Records that are younger than the walk arrive by polling too, so how many are here already says nothing.
    await expect
      .poll(() => house().sync.connections.get(alder.organizationId, alder.connection.id), soon)
      .toMatchObject({ state: 'backfilling', lastError: { code: 'connector_unreachable' } })
    spoiler.repeats = null
    await house().live(alder)
    expect(new Set(await serialsHere(alder)).size).toBe(crm.pages)
    expect(await serialsHere(alder)).toHaveLength(crm.pages)
  })

  /** The value that the account's list keeps for what people call it. */
  async function choice(account: CreatedAccount, label: string): Promise<string> {
    const connector = connectors.get(crm.connector) as Connector
    const http = createHttp({ baseUrl: account.url, accessToken: account.accessToken })
    const schema = await connector.schema(http, crm.object)
    const size = schema.ok ? schema.value?.fields.find(({ name }) => name === crm.field('size')) : undefined
    return size?.options?.find((option) => option.label === label)?.value ?? label
  }
})

interface Spoiler {
  readonly url: string
  /** Whether bytes of what passes are no text. */
  spoils: boolean
  /** What is asked in these words is answered as it was before, whatever it asks for now. */
  repeats: RegExp | null
}

const spoilers: Server[] = []
afterAll(() => {
  for (const server of spoilers) server.close()
})

/** Stands between, as a proxy that recodes would, or one that keeps answers for too long. */
async function startSpoiler(account: CreatedAccount): Promise<Spoiler> {
  const { origin, pathname } = new URL(account.url)
  const state: Pick<Spoiler, 'spoils' | 'repeats'> = { spoils: true, repeats: null }
  const kept = new Map<string, Buffer>()
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const { method = 'GET', url = '' } = request
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers
    const answer = await fetch(origin + url, {
      method,
      headers: headers as Record<string, string>,
      ...(body.length === 0 ? {} : { body }),
    })
    let bytes = Buffer.from(await answer.arrayBuffer())
    const at = state.spoils ? bytes.indexOf('SPOIL') : -1
    if (at >= 0) bytes.fill(0xff, at, at + 5)
    if (state.repeats?.test(`${decodeURIComponent(url)} ${body.toString()}`)) {
      const question = `${method} ${new URL(url, origin).pathname}`
      bytes = Buffer.from(kept.get(question) ?? bytes)
      kept.set(question, bytes)
    }
    const told = ['content-type', 'location', 'date'].flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    response.writeHead(answer.status, Object.fromEntries(told)).end(bytes)
  }
  const server = createServer((request, response) => {
    pass(request, response).catch(() => void response.destroy())
  })
  spoilers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, { url: `http://127.0.0.1:${port}${pathname === '/' ? '' : pathname}` })
}
