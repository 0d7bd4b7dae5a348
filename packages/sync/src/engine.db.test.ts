// The engine against a real Postgres and the simulated HubSpot over real HTTP: both directions, both
// organizations, no echo.
import { Client } from '@hubspot/api-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()

const clientOf = ({ account }: Household): Client =>
  new Client({ basePath: account.url, accessToken: account.personToken })

const soon = { timeout: 60_000, interval: 20 }

describe('two organizations, each with a HubSpot account of its own', () => {
  let alder: Household
  let birch: Household

  beforeAll(async () => {
    const before = house().createAccount({ connector: 'hubspot', name: 'Alder' })
    const client = new Client({ basePath: before.url, accessToken: before.personToken })
    await client.crm.companies.batchApi.create({
      inputs: [{ properties: { name: 'Ash', domain: 'ash.example' }, associations: [] }],
    })
    await client.crm.contacts.batchApi.create({
      inputs: Array.from({ length: 30 }, (_, n) => ({
        properties: { email: `p${n}@ash.example`, firstname: `P${n}`, lastname: 'Old' },
        associations: [],
      })),
    })
    alder = await house().connect(0, before)
    birch = await house().connect(1, house().createAccount({ connector: 'hubspot', name: 'Birch' }))
    await alder.person.query(
      `insert into contacts (email, first_name, last_name) values ('p1@ash.example', 'P1', null)`,
    )
    await alder.person.query(`insert into contacts (email, first_name) values ('here@ash.example', 'Here')`)
    house().sync.worker.start()
    await house().live(alder)
    await house().live(birch)
  })

  it('matches before it writes: nothing is doubled, and what only one side had is on both', async () => {
    await expect
      .poll(
        () =>
          house()
            .records(alder.account, 'contacts')
            .then((all) => all.length),
        soon,
      )
      .toBe(31)
    const { rows } = await alder.person.query<{ n: number; matched: string }>(
      `select count(*)::int as n, max(last_name) filter (where email = 'p1@ash.example') as matched from contacts`,
    )
    expect(rows).toEqual([{ n: 31, matched: 'Old' }])
    expect((await birch.person.query('select from contacts')).rowCount).toBe(0)
  })

  it('brings a contact that was made in the CRM here by polling, to its own organization only', async () => {
    await clientOf(alder).crm.contacts.basicApi.create({
      properties: { email: 'polled@ash.example', firstname: 'Polled' },
      associations: [],
    })
    await expect
      .poll(async () => (await alder.person.query(`select from contacts where first_name = 'Polled'`)).rowCount, soon)
      .toBe(1)
    expect((await birch.person.query('select from contacts')).rowCount).toBe(0)
  })

  it('sends an update with one write, and nothing comes back from it', async () => {
    await house().control('reset', { account: alder.account.id })
    await alder.person.query(`update contacts set title = 'Chief' where email = 'p2@ash.example'`)
    const title = async (): Promise<unknown> =>
      (await house().records(alder.account, 'contacts')).flatMap((record) => {
        const properties = record['properties'] as Record<string, string>
        return properties['email'] === 'p2@ash.example' ? [properties['jobtitle']] : []
      })
    await expect.poll(title, soon).toEqual(['Chief'])
    await settled(alder)
    const writes = (await house().requests(alder.account)).filter(({ path }) =>
      /batch\/(create|update|archive)/.test(path),
    )
    expect(writes).toHaveLength(1)
    const { rows } = await alder.person.query<{ status: string; kind: string }>(
      `select d.status, d.kind from rowhouse_home.sync_deliveries d where d.fields ? 'jobtitle'`,
    )
    expect(rows).toEqual([{ status: 'delivered', kind: 'update' }])
  })

  it('takes an edit of the CRM, and sends nothing back', async () => {
    const record = (await house().records(alder.account, 'contacts')).find(
      ({ properties }) => (properties as Record<string, string>)['email'] === 'p3@ash.example',
    )
    await house().control('reset', { account: alder.account.id })
    await clientOf(alder).crm.contacts.basicApi.update(String(record?.['id']), { properties: { phone: '+1 555 0100' } })
    await expect
      .poll(
        async () => (await alder.person.query(`select phone from contacts where email = 'p3@ash.example'`)).rows,
        soon,
      )
      .toEqual([{ phone: '+1 555 0100' }])
    await settled(alder)
    const writes = (await house().requests(alder.account)).filter(({ path }) =>
      /batch\/(create|update|archive)/.test(path),
    )
    expect(writes).toEqual([])
  })

  it('links a contact to its company on both sides', async () => {
    await alder.person.query(
      `with c as (insert into companies (name, domain) values ('Elm', 'elm.example') returning id)
       insert into contacts (email, first_name, company_id) select 'e@elm.example', 'E', id from c`,
    )
    await expect
      .poll(async () => {
        const contact = (await house().records(alder.account, 'contacts')).find(
          ({ properties }) => (properties as Record<string, string>)['email'] === 'e@elm.example',
        )
        if (contact === undefined) return null
        const read = await clientOf(alder).crm.contacts.basicApi.getById(String(contact['id']), undefined, undefined, [
          'companies',
        ])
        return new Set(read.associations?.['companies']?.results.map(({ id }) => id)).size
      }, soon)
      .toBe(1)
  })

  it('shows conflicts and dead letters to members, sealed as themselves', async () => {
    const { sync } = house()
    expect(await sync.conflicts.list(alder.organizationId, alder.acting)).toEqual([])
    const support = { operator: 'support', reason: 'ticket 1' }
    expect(await sync.deadLetters.list(alder.organizationId, support)).toEqual([])
    for (const lists of [sync.conflicts, sync.deadLetters])
      await expect(lists.list(alder.organizationId, birch.acting)).rejects.toMatchObject({ code: 'not_a_member' })
  })

  it('says how it is', async () => {
    await expect
      .poll(() => house().sync.connections.get(alder.organizationId, alder.connection.id), soon)
      .toMatchObject({
        state: 'live',
        lagMs: 0,
        deadLetters: 0,
        lastError: null,
        objects: [
          { object: 'company', backfillDone: true },
          { object: 'contact', backfillDone: true },
        ],
        latencyMs: { outbound: { p50: expect.any(Number) }, inbound: { p50: expect.any(Number) } },
      })
    await expect(house().sync.connections.get(birch.organizationId, alder.connection.id)).rejects.toMatchObject({
      code: 'connection_not_found',
    })
  })
})

/** Nothing is due in either direction. */
async function settled({ person }: Household): Promise<void> {
  await expect.poll(async () => (await person.query('select from rowhouse_home.sync_marks')).rowCount, soon).toBe(0)
}
