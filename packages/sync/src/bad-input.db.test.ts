// Webhooks that lie, and a value that no text of Postgres holds. What else nobody should send and somebody does is asked of
// every CRM in bad-values.db.test.ts.
import { createHmac } from 'node:crypto'
import { Client } from '@hubspot/api-client'
import { withClient } from '@rowhouse/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 20 }
let accounts = 0

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

  it.each(['salesforce', 'netsuite'] as const)(
    'for %s, which sends none, is refused whoever signed it',
    async (connector) => {
      accounts += 1
      const account = house().createAccount({ connector, name: `Account ${accounts}` })
      const alder = await house().connect(0, account)
      const url = `https://app.example/webhooks/${connector}/${alder.connection.id}`
      const [timestamp, rawBody] = [String(Date.now()), Buffer.from('[]')]
      const hmac = createHmac('sha256', account.webhookSecret).update(`POST${url}[]${timestamp}`)
      const headers = {
        'x-hubspot-signature-v3': hmac.digest('base64'),
        'x-hubspot-request-timestamp': timestamp,
      }
      const request = { method: 'POST', url, headers, rawBody }
      expect(await house().sync.webhooks.receive(connector, alder.connection.id, request)).toMatchObject({
        ok: false,
        code: 'webhook_signature_invalid',
      })
      expect(await due(alder)).toEqual([])
    },
  )

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
})
