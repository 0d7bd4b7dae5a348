// Objects that have no field for a create token, such as the classic notes of Salesforce: a create whose answer never
// came is recognised by what was sent, whether it is looked up or a poll meets it first, and made once.
import { connectors } from '@rowhouse/connectors'
import type { Connector } from '@rowhouse/connectors'
import { describe, expect, it } from 'vitest'
import { useHouse, withLimits } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { salesTables } from './fixtures/sales-tables.ts'

const soon = { timeout: 60_000, interval: 20 }

const salesforce = connectors.get('salesforce')!

/** Salesforce as it would be if its notes were said to carry a token, which they do not: nobody looks for what is alike. */
const blind = withLimits(salesforce, {
  objects: salesforce
    .describe()
    .objects.map((object) => (object.name === 'note' ? { ...object, createTokenField: 'Pretended__c' } : object)),
})

describe.each<[name: string, connector: Connector, notes: number]>([
  ['recognised by what was sent', salesforce, 1],
  ['not recognised', blind, 2],
])('a note whose create was never answered, %s', (_, connector, notes) => {
  const house = useHouse({ connectors: new Map([['salesforce', connector]]) }, salesTables)

  it(`is there ${notes === 1 ? 'once, and linked' : 'twice'}`, async () => {
    const alder: Household = await house().connect(0, house().createAccount({ connector: 'salesforce', name: 'Alder' }))
    await alder.person.query(`insert into companies (name) values ('Ash')`)
    house().sync.worker.start()
    await house().live(alder)
    const there = () => house().records(alder.account, 'Note')
    await expect.poll(async () => (await house().records(alder.account, 'Account')).length, soon).toBe(1)
    await house().control('chaos', { account: alder.account.id, timeoutAfterRate: 1 })
    await alder.person.query(`insert into notes (title, body, company_id) select 'Met', 'Said much', id from companies`)
    await expect.poll(async () => (await there()).length, soon).toBe(1)
    await house().control('reset', { account: alder.account.id })
    const delivered = async () =>
      (
        await alder.person.query(
          `select from rowhouse_home.sync_deliveries d where d.object = 'note' and d.status = 'delivered'`,
        )
      ).rowCount
    await expect.poll(delivered, soon).toBe(1)
    expect(await there()).toHaveLength(notes)
    const links = `select l.state, l.remote_id from rowhouse_home.sync_links l where l.object = 'note' and l.local_id is not null`
    expect((await alder.person.query(links)).rowCount).toBeGreaterThan(0)
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toEqual([])
  })
})
