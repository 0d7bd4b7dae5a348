// What nobody should send and somebody does, from the simulated CRM to the row and from the row to the CRM: webhooks that
// lie, values that are too long, no text, too precise or empty, pages of HTML, pages that repeat. Nothing is lost: it
// arrives as it was, or it is a dead letter with the reason, and its siblings arrive.
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@hubspot/api-client'
import { withClient } from '@rowhouse/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const soon = { timeout: 20_000, interval: 20 }
let accounts = 0

beforeAll(() =>
  withClient(house().database.migratorUrl, (client) =>
    client.query('alter table companies alter column employees type numeric'),
  ),
)
afterEach(async () => {
  await house().sync.worker.stop()
  const stored = await house().sync.connections.list(house().owners.map(({ organizationId }) => organizationId))
  await withClient(house().database.adminUrl, async (admin) => {
    await admin.query('delete from rowhouse.connections where id = any ($1)', [stored.map(({ id }) => id)])
    for (const { organizationId } of house().owners)
      for (const table of ['contacts', 'companies', 'sync_links', 'sync_marks', 'sync_dead_letters', 'sync_cursors'])
        await admin.query(
          `delete from ${table.startsWith('sync') ? `rowhouse_home.${table}` : table} where organization_id = $1`,
          [organizationId],
        )
  })
})

const crm = (household: Household): Client =>
  new Client({ basePath: household.account.url, accessToken: household.account.personToken })

async function fresh(index = 0, more: object = {}): Promise<Household> {
  accounts += 1
  return house().connect(index, house().createAccount({ connector: 'hubspot', name: `Account ${accounts}` }), more)
}

async function live(index = 0, more: object = {}): Promise<Household> {
  const household = await fresh(index, more)
  house().sync.worker.start()
  await house().live(household)
  return household
}

const letters = async ({ organizationId, acting }: Household): Promise<Record<string, unknown>[]> =>
  (await house().sync.deadLetters.list(organizationId, acting)).map(({ code, direction, object }) => ({
    code,
    direction,
    object,
  }))

const emailsHere = async ({ person }: Household): Promise<(string | null)[]> =>
  (await person.query<{ email: string | null }>('select email from contacts order by email collate "C"')).rows.map(
    ({ email }) => email,
  )

const properties = async ({ account }: Household, object = 'contacts'): Promise<Record<string, string>[]> =>
  (await house().records(account, object)).map((record) => record['properties'] as Record<string, string>)

const emailsThere = async (household: Household): Promise<string[]> =>
  (await properties(household)).map(({ email }) => email ?? '').toSorted()

async function settled({ person }: Household): Promise<void> {
  await expect.poll(async () => (await person.query('select from rowhouse_home.sync_marks')).rowCount, soon).toBe(0)
}

describe('a webhook', () => {
  interface Call {
    readonly body: Uint8Array | string
    readonly secret?: string
    readonly ageMs?: number
  }

  const receive = (household: Household, { body, secret = household.account.webhookSecret, ageMs = 0 }: Call) => {
    const rawBody = Buffer.from(body)
    const url = `https://app.example/webhooks/hubspot/${household.connection.id}`
    const timestamp = String(Date.now() - ageMs)
    const hmac = createHmac('sha256', secret).update(`POST${url}`).update(rawBody)
    const headers = {
      'x-hubspot-signature-v3': hmac.update(timestamp).digest('base64'),
      'x-hubspot-request-timestamp': timestamp,
    }
    return house().sync.webhooks.receive('hubspot', household.connection.id, { method: 'POST', url, headers, rawBody })
  }
  const creation = (household: Household, id: string): string =>
    JSON.stringify([
      { portalId: Number(household.account.id), subscriptionType: 'contact.creation', objectId: Number(id) },
    ])
  const due = async ({ person }: Household): Promise<unknown[]> =>
    (await person.query('select record_id from rowhouse_home.sync_marks order by record_id')).rows

  it.each([
    ['is no JSON', '{', 'validation_failed'],
    ['is a number', '7', 'validation_failed'],
    ['is nothing', '', 'validation_failed'],
    ['names more events than there can be', `[${'{},'.repeat(10_000)}{}]`, 'validation_failed'],
  ])('that %s is refused although it is signed, and nothing is due', async (_name, body, code) => {
    const alder = await fresh()
    expect(await receive(alder, { body })).toMatchObject({ ok: false, code })
    expect(await due(alder)).toEqual([])
  })

  it.each([
    ['is no UTF-8', Buffer.from([0x5b, 0xff, 0x5d])],
    ['names what is no record', '[{"portalId":1},null,7,"x",{"subscriptionType":{}},{"objectId":"; drop table"}]'],
  ])('that %s marks nothing', async (_name, body) => {
    const alder = await fresh()
    await receive(alder, { body })
    expect(await due(alder)).toEqual([])
  })

  it('that is replayed is one hint more; later than five minutes it is none', async () => {
    const alder = await live()
    const { id } = await crm(alder).crm.contacts.basicApi.create({
      properties: { email: 'twice@x.example' },
      associations: [],
    })
    const body = creation(alder, id)
    for (let n = 0; n < 3; n++) expect(await receive(alder, { body })).toMatchObject({ ok: true })
    await expect.poll(() => emailsHere(alder), soon).toEqual(['twice@x.example'])
    await settled(alder)
    await house().sync.worker.stop()
    expect(await receive(alder, { body, ageMs: 300_500 })).toMatchObject({ ok: false, code: 'webhook_expired' })
    expect(await receive(alder, { body, ageMs: -300_500 })).toMatchObject({ ok: false, code: 'webhook_expired' })
    expect(await due(alder)).toEqual([])
  })

  it('of one organization cannot name another’s connection, signed with its own secret or with one they share', async () => {
    const alder = await fresh(0)
    const birch = await fresh(1, { clientSecret: alder.account.webhookSecret })
    const body = creation(alder, '101')
    expect(await receive(birch, { body, secret: 'its own' })).toMatchObject({
      ok: false,
      code: 'webhook_signature_invalid',
    })
    // Both are of one app: the signature is right, but the events are of another account.
    expect(await receive(birch, { body, secret: alder.account.webhookSecret })).toMatchObject({ ok: true })
    expect(await due(birch)).toEqual([])
    expect(await due(alder)).toEqual([])
    expect(await receive(alder, { body })).toMatchObject({ ok: true })
    expect(await due(alder)).toEqual([{ record_id: '101' }])
  })

  it('of a deletion before the creation, and of what was never there, ends as the CRM is', async () => {
    const alder = await live()
    const { id } = await crm(alder).crm.contacts.basicApi.create({
      properties: { email: 'order@x.example' },
      associations: [],
    })
    const event = (subscriptionType: string, objectId: string): object => ({
      portalId: Number(alder.account.id),
      subscriptionType,
      objectId: Number(objectId),
    })
    const body = JSON.stringify([
      event('contact.deletion', id),
      event('contact.propertyChange', id),
      event('contact.creation', id),
      event('contact.deletion', '999999'),
    ])
    expect(await receive(alder, { body })).toMatchObject({ ok: true })
    await expect.poll(() => emailsHere(alder), soon).toEqual(['order@x.example'])
    await settled(alder)
    await crm(alder).crm.contacts.basicApi.archive(id)
    await receive(alder, { body: JSON.stringify([event('contact.creation', id), event('contact.deletion', id)]) })
    await expect.poll(() => emailsHere(alder), soon).toEqual([])
  })
})

describe('a value', () => {
  it('of a megabyte is parked on its way out, whole here, and its siblings arrive', async () => {
    const alder = await live()
    const long = 'x'.repeat(1_048_576)
    await alder.person.query(
      `insert into contacts (email, title) values ('a@x.example', 'A'), ('long@x.example', $1), ('z@x.example', 'Z')`,
      [long],
    )
    await expect.poll(() => emailsThere(alder), soon).toEqual(['a@x.example', 'z@x.example'])
    await expect.poll(() => letters(alder), soon).toMatchObject([{ direction: 'outbound', object: 'contact' }])
    const { rows } = await alder.person.query<{ title: string }>(
      `select title from contacts where email = 'long@x.example'`,
    )
    expect(rows[0]?.title === long).toBe(true)
    await alder.person.query(`update contacts set title = 'Short' where email = 'long@x.example'`)
    await expect.poll(() => emailsThere(alder), soon).toEqual(['a@x.example', 'long@x.example', 'z@x.example'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })

  it('with a zero byte, which no text of Postgres holds, is parked; its siblings are applied, and an edit frees it', async () => {
    const alder = await fresh()
    const made = await crm(alder).crm.contacts.batchApi.create({
      inputs: ['a', 'b', 'c'].map((name) => ({
        properties: { email: `${name}@x.example`, jobtitle: name === 'b' ? 'ze\u0000ro' : name },
        associations: [],
      })),
    })
    house().sync.worker.start()
    await house().live(alder)
    expect(await emailsHere(alder)).toEqual(['a@x.example', 'c@x.example'])
    expect(await letters(alder)).toMatchObject([{ direction: 'inbound', object: 'contact' }])
    const zero = made.results.find(({ properties: { email } }) => email === 'b@x.example')
    await crm(alder).crm.contacts.basicApi.update(zero?.id ?? '', { properties: { jobtitle: 'zero' } })
    await expect.poll(() => emailsHere(alder), soon).toEqual(['a@x.example', 'b@x.example', 'c@x.example'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })

  it('beyond 2^53 is the same number on both sides, to the last digit', async () => {
    const alder = await fresh()
    const big = '9007199254740993'
    await crm(alder).crm.companies.basicApi.create({
      properties: { name: 'There', domain: 'there.example', numberofemployees: big },
      associations: [],
    })
    house().sync.worker.start()
    await house().live(alder)
    const { rows } = await alder.person.query('select employees::text from companies')
    expect(rows).toEqual([{ employees: big }])
    await alder.person.query(`insert into companies (name, domain, employees) values ('Here', 'here.example', $1)`, [
      '9007199254740995',
    ])
    await expect
      .poll(
        async () => (await properties(alder, 'companies')).map((one) => one['numberofemployees'] ?? '').toSorted(),
        soon,
      )
      .toEqual([big, '9007199254740995'])
    await settled(alder)
    expect(await letters(alder)).toEqual([])
  })

  it('that a CRM would round is parked instead, and stays as it is here', async () => {
    accounts += 1
    const account = house().createAccount({ connector: 'salesforce', name: `Account ${accounts}` })
    const alder = await house().connect(0, account)
    house().sync.worker.start()
    await house().live(alder)
    await alder.person.query(
      `insert into companies (name, employees) values ('Exact', 42), ('Rounded', 9007199254740993)`,
    )
    await expect
      .poll(async () => (await house().records(account, 'Account')).map(({ Name }) => Name), soon)
      .toEqual(['Exact'])
    await expect
      .poll(() => letters(alder), soon)
      .toEqual([{ code: expect.stringMatching(/^number_/) as string, direction: 'outbound', object: 'company' }])
  })

  it('that is null here and empty there is one value: no call is made for it, and either clears the other', async () => {
    const alder = await live()
    const { id } = await crm(alder).crm.contacts.basicApi.create({
      properties: { email: 'empty@x.example', phone: '1', jobtitle: 'T' },
      associations: [],
    })
    const row = async (): Promise<unknown[]> => (await alder.person.query('select phone, title from contacts')).rows
    await expect.poll(row, soon).toEqual([{ phone: '1', title: 'T' }])
    await crm(alder).crm.contacts.basicApi.update(id, { properties: { phone: '' } })
    await expect.poll(row, soon).toEqual([{ phone: null, title: 'T' }])
    await settled(alder)
    await house().control('reset', { account: alder.account.id })
    await alder.person.query(`update contacts set phone = ''`)
    await alder.person.query(`update contacts set title = ''`)
    await expect.poll(async () => (await properties(alder))[0]?.['jobtitle'] || null, soon).toBeNull()
    await settled(alder)
    const writes = (await house().requests(alder.account)).filter(({ path }) => path.includes('batch/update'))
    expect(writes).toHaveLength(1)
    expect(await row()).toEqual([{ phone: '', title: '' }])
  })

  it('that the CRM’s list does not know is parked with its words, and sent when it is one', async () => {
    const alder = await live()
    await alder.person.query(
      `insert into companies (name, domain, industry) values ('A', 'a.example', 'Time travel'), ('B', 'b.example', 'BANKING')`,
    )
    const names = async (): Promise<string[]> =>
      (await properties(alder, 'companies')).map(({ name }) => name ?? '').toSorted()
    await expect.poll(names, soon).toEqual(['B'])
    await expect.poll(() => letters(alder), soon).toMatchObject([{ direction: 'outbound', object: 'company' }])
    const [letter] = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    expect(letter?.reason).toContain('Time travel')
    await alder.person.query(`update companies set industry = 'BANKING' where name = 'A'`)
    await expect.poll(names, soon).toEqual(['A', 'B'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })
})

describe('a CRM', () => {
  it('that answers HTML where it has done the work is asked what became of it: all arrives once', async () => {
    const alder = await live()
    await house().control('chaos', { account: alder.account.id, htmlRate: 0.4 })
    await alder.person.query(
      `insert into contacts (email) select 'h' || n || '@x.example' from generate_series(1, 25) n`,
    )
    await expect.poll(async () => (await emailsThere(alder)).length, soon).toBe(25)
    await crm(alder)
      .crm.contacts.basicApi.create({ properties: { email: 'theirs@x.example' }, associations: [] })
      .catch(() => {})
    await expect.poll(async () => (await emailsHere(alder)).length, soon).toBe(26)
    await house().control('reset', { account: alder.account.id })
    await settled(alder)
    expect(new Set(await emailsThere(alder)).size).toBe(26)
    expect(await letters(alder)).toEqual([])
  }, 60_000)

  it('that gives a page again and again is noticed and asked later; then every record is here once', async () => {
    const alder = await fresh()
    for (let from = 0; from < 350; from += 100)
      await crm(alder).crm.contacts.batchApi.create({
        inputs: Array.from({ length: Math.min(100, 350 - from) }, (_, n) => ({
          properties: { email: `p${from + n}@x.example` },
          associations: [],
        })),
      })
    await house().control('chaos', { account: alder.account.id, repeatedPageRate: 1 })
    house().sync.worker.start()
    await expect
      .poll(async () => (await house().sync.connections.get(alder.organizationId, alder.connection.id)).lastError, soon)
      .toMatchObject({ code: 'connector_unreachable' })
    const lists = (await house().requests(alder.account)).filter(
      ({ method, path }) => method === 'GET' && path.includes('/contacts?'),
    )
    expect(lists.length).toBeLessThan(20)
    await house().control('reset', { account: alder.account.id })
    await house().live(alder)
    await expect.poll(async () => (await emailsHere(alder)).length, soon).toBe(350)
  })
})

describe('bytes that are no UTF-8', () => {
  let spoiler: Server
  let good = false
  afterAll(() => void spoiler.close())

  it('are no character of a row: the record is parked, its siblings are applied, and it comes when the bytes are text', async () => {
    accounts += 1
    const account = house().createAccount({ connector: 'hubspot', name: `Account ${accounts}` })
    // Stands between, as a proxy that recodes would: what the CRM says in ASCII arrives as bytes that are no text.
    spoiler = createServer((request, response) => {
      const chunks: Uint8Array[] = []
      request.on('data', (chunk: Uint8Array) => chunks.push(chunk))
      request.on('end', () => {
        const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers
        const pass = async (): Promise<void> => {
          const answer = await fetch(account.url + (request.url ?? ''), {
            method: request.method ?? 'GET',
            headers: headers as Record<string, string>,
            ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
          })
          const bytes = Buffer.from(await answer.arrayBuffer())
          const at = good ? -1 : bytes.indexOf('SPOIL')
          if (at >= 0) bytes.fill(0xff, at, at + 5)
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(bytes)
        }
        pass().catch(() => void response.destroy())
      })
    })
    await new Promise<void>((resolve) => spoiler.listen(0, '127.0.0.1', resolve))
    const client = new Client({ basePath: account.url, accessToken: account.personToken })
    await client.crm.contacts.batchApi.create({
      inputs: ['a', 'b', 'c'].map((name) => ({
        properties: { email: `${name}@x.example`, jobtitle: name === 'b' ? 'SPOIL' : name },
        associations: [],
      })),
    })
    const { port } = spoiler.address() as AddressInfo
    const alder = await house().connect(0, account, { baseUrl: `http://127.0.0.1:${port}` })
    house().sync.worker.start()
    await house().live(alder)
    expect(await emailsHere(alder)).toEqual(['a@x.example', 'c@x.example'])
    expect(await letters(alder)).toMatchObject([{ direction: 'inbound', object: 'contact' }])
    good = true
    const [letter] = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    await house().sync.deadLetters.replay(alder.organizationId, letter?.id ?? '')
    await expect.poll(() => emailsHere(alder), soon).toEqual(['a@x.example', 'b@x.example', 'c@x.example'])
    await expect.poll(() => letters(alder), soon).toEqual([])
  })
})
