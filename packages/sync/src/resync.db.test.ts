// What nobody told, and what became of records that others took in: read again, moved, never emptied.
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { beginWish, readWishes, wantResync } from './pull/resync.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 20 }
const connectors = ['hubspot', 'salesforce'] as const
const home = ['sync_links', 'sync_marks', 'sync_conflicts'].map((name) => `rowhouse_home.${name}`)

let crm: Sandbox
let offsetMs = 0
beforeAll(async () => {
  crm = await startSandbox({ now: () => Date.now() + offsetMs })
})
afterAll(() => crm.close())
afterEach(async () => {
  await house().sync.worker.stop()
  offsetMs = 0
  const stored = await house().sync.connections.list(house().owners.map(({ organizationId }) => organizationId))
  await withClient(house().database.adminUrl, async (admin) => {
    await admin.query('delete from rowhouse.connections where id = any ($1)', [stored.map(({ id }) => id)])
    for (const { organizationId } of house().owners)
      for (const table of ['contacts', 'companies', ...home])
        await admin.query(`delete from ${table} where organization_id = $1`, [organizationId])
  })
})

/** What each CRM calls things. */
const words = {
  hubspot: {
    company: 'companies',
    contact: 'contacts',
    named: (name: string) => ({ name, domain: `${name.toLowerCase()}.example` }),
    person: (name: string) => ({ lastname: name, email: `${name.toLowerCase()}@x.example` }),
    title: (title: string) => ({ jobtitle: title }),
  },
  salesforce: {
    company: 'Account',
    contact: 'Contact',
    named: (name: string) => ({ Name: name, Website: `${name.toLowerCase()}.example` }),
    person: (name: string) => ({ LastName: name, Email: `${name.toLowerCase()}@x.example` }),
    title: (title: string) => ({ Title: title }),
  },
} as const

const unlimited = { tenSecondlyMax: 1_000_000, searchSecondlyMax: 1_000_000, dailyMax: 10_000_000 }

type Hand = ReturnType<Sandbox['person']>

async function begun(
  connector: (typeof connectors)[number],
  fill: (hand: Hand) => void,
): Promise<{ alder: Household; hand: Hand }> {
  const limits = connector === 'hubspot' ? unlimited : { dailyMax: 10_000_000 }
  const account = crm.createAccount({ connector, limits })
  const hand = crm.person(account.id)
  offsetMs = -3_600_000
  fill(hand)
  offsetMs = 0
  const alder = await house().connect(0, account)
  house().sync.worker.start()
  await house().live(alder)
  await settled(alder)
  return { alder, hand }
}

async function settled({ person }: Household): Promise<void> {
  await expect.poll(async () => (await person.query('select from rowhouse_home.sync_marks')).rowCount, soon).toBe(0)
}

const contacts = async ({ person }: Household): Promise<unknown[]> =>
  (
    await person.query(
      `select c.last_name as name, c.title, o.name as company
       from contacts c left join companies o on o.id = c.company_id order by 1`,
    )
  ).rows
const companies = async ({ person }: Household): Promise<unknown[]> =>
  (await person.query<{ name: string }>('select name from companies order by 1')).rows.map(({ name }) => name)

/** Writes that the engine made since. */
const writes = (household: Household): number =>
  house().events.filter(
    (event) =>
      event.type === 'call' &&
      event.connectionId === household.connection.id &&
      event.lane === 'outbound' &&
      event.method !== 'GET',
  ).length

describe.each(connectors)('%s: a record', (connector) => {
  const { company, contact, named, person, title } = words[connector]
  /** Changes with the time of a transaction that began long before it was seen. */
  function changeUnseen(hand: Hand, ids: { readonly changed: string; readonly removed: string }): void {
    offsetMs = -1_800_000
    hand.update(contact, ids.changed, title('Unseen'))
    hand.create(contact, person('Hal'))
    hand.remove(contact, ids.removed)
    offsetMs = 0
    // So that no event tells of them either.
    if (connector === 'salesforce') crm.changeEvents(accountOf, { forget: true })
  }
  let accountOf = ''
  const healed = [
    { name: 'Ada', title: 'Unseen', company: null },
    { name: 'Hal', title: null, company: null },
  ]

  async function withUnseen(): Promise<Household> {
    const ids = { changed: '', removed: '' }
    const { alder, hand } = await begun(connector, (filling) => {
      ids.changed = filling.create(contact, person('Ada'))
      ids.removed = filling.create(contact, person('Ben'))
    })
    accountOf = alder.account.id
    await house().sync.worker.stop()
    // As if nothing had ever been told: the stream begins anew.
    const home = house().rowhouse.as({ organizationId: alder.organizationId, connectionId: alder.connection.id })
    await home.query(`delete from rowhouse_home.sync_cursors where kind = 'events'`)
    changeUnseen(hand, ids)
    return alder
  }

  it('that nothing told of is found by a person’s resync, and both sides are equal', async () => {
    const alder = await withUnseen()
    house().sync.worker.start()
    await settled(alder)
    const state = await house().sync.connections.resync(alder.organizationId, alder.connection.id)
    expect(state.state).toBe('resyncing')
    await expect.poll(() => contacts(alder), soon).toEqual(healed)
    await house().live(alder)
    await settled(alder)
  })

  it('is found within a week by itself', async () => {
    const alder = await withUnseen()
    const home = house().rowhouse.as({ organizationId: alder.organizationId, connectionId: alder.connection.id })
    await home.query(
      `update rowhouse_home.sync_cursors set updated_at = now() - interval '8 days' where kind = 'backfill'`,
    )
    house().sync.worker.start()
    await expect.poll(() => contacts(alder), soon).toEqual(healed)
    await house().live(alder)
  })

  it('that goes takes its place in its children with it: what a foreign key empties here is not sent', async () => {
    let gone = ''
    const { alder, hand } = await begun(connector, (filling) => {
      gone = filling.create(company, named('Ash'))
    })
    await alder.person.query(
      `insert into contacts (last_name, email, company_id) select 'Ada', 'ada@x.example', id from companies`,
    )
    await expect.poll(async () => (await crmContacts(alder)).length, soon).toBe(1)
    await settled(alder)
    await vi.waitUntil(async () => (await linkedCompany(alder)) === gone, soon)
    const before = writes(alder)
    hand.remove(company, gone)
    await expect.poll(() => companies(alder), soon).toEqual([])
    await settled(alder)
    expect(writes(alder)).toBe(before)
    expect(await house().sync.conflicts.list(alder.organizationId, alder.acting)).toEqual([])
  })

  it('that is merged into another hands its children over, on both sides', async () => {
    const ids = { winner: '', loser: '' }
    const { alder, hand } = await begun(connector, (filling) => {
      ids.winner = filling.create(company, named('Ash'))
      ids.loser = filling.create(company, named('Birch'))
    })
    await alder.person.query(
      `insert into contacts (last_name, email, company_id)
       select 'Of ' || name, lower(name) || '@x.example', id from companies`,
    )
    await expect.poll(async () => (await crmContacts(alder)).length, soon).toBe(2)
    await settled(alder)
    hand.merge(company, ids.winner, ids.loser)
    await expect.poll(async () => (await companies(alder)).length, soon).toBe(1)
    const [left] = await companies(alder)
    await expect
      .poll(() => contacts(alder), soon)
      .toEqual([
        { name: 'Of Ash', title: null, company: left },
        { name: 'Of Birch', title: null, company: left },
      ])
    await settled(alder)
    // And so it stays: nothing of it was taken for an edit of this side.
    await house().sync.connections.resync(alder.organizationId, alder.connection.id)
    await house().live(alder)
    await settled(alder)
    expect((await contacts(alder)).map((row) => (row as { company: string }).company)).toEqual([left, left])
  })

  it('that is merged away while an edit of it here was not sent yet leaves the edit as a conflict', async () => {
    const ids = { winner: '', loser: '' }
    const { alder, hand } = await begun(connector, (filling) => {
      ids.winner = filling.create(company, named('Ash'))
      ids.loser = filling.create(company, named('Birch'))
    })
    await house().sync.worker.stop()
    await alder.person.query(`update companies set name = 'Birch, edited' where name = 'Birch'`)
    hand.merge(company, ids.winner, ids.loser)
    house().sync.worker.start()
    await expect.poll(async () => (await companies(alder)).length, soon).toBe(1)
    const conflicts = async (): Promise<unknown[]> =>
      (await house().sync.conflicts.list(alder.organizationId, alder.acting)).map(({ local }) => local)
    await expect.poll(conflicts, soon).toContain('Birch, edited')
    await settled(alder)
  })

  const crmContacts = async ({ account }: Household): Promise<unknown[]> => {
    const url = `${crm.url}/_sandbox/records?account=${account.id}&object=${contact}`
    return ((await (await fetch(url)).json()) as { records: unknown[] }).records
  }
  const linkedCompany = async ({ person: member }: Household): Promise<string | null> => {
    const { rows } = await member.query<{ id: string | null }>(
      `select base ->> '@company' as id from rowhouse_home.sync_links where object = 'contact'`,
    )
    return rows[0]?.id ?? null
  }
})

describe('hubspot: an association', () => {
  it('that a person changes and no webhook tells of is found by a resync; polls pass it by', async () => {
    const ids = { ada: '', ash: '' }
    const { alder, hand } = await begun('hubspot', (filling) => {
      ids.ada = filling.create('contacts', words.hubspot.person('Ada'))
      ids.ash = filling.create('companies', words.hubspot.named('Ash'))
    })
    hand.associate!('contacts', ids.ada, 'companies', ids.ash)
    const searches = (): number =>
      house().events.filter(
        (event) =>
          event.type === 'call' && event.connectionId === alder.connection.id && event.path.endsWith('/search'),
      ).length
    const before = searches()
    await vi.waitUntil(() => searches() > before + 6, soon)
    expect(await contacts(alder)).toEqual([{ name: 'Ada', title: null, company: null }])
    await house().sync.connections.resync(alder.organizationId, alder.connection.id)
    await expect.poll(() => contacts(alder), soon).toEqual([{ name: 'Ada', title: null, company: 'Ash' }])
    await house().live(alder)
  })
})

describe('a wish to read an object anew', () => {
  it('that comes while a walk answers another is answered by another walk; that positions are lost is said once', async () => {
    const { organizationId } = house().owners[0] as { organizationId: string }
    const connectionId = '00000000-0000-4000-8000-00000000a11c'
    const home = house().rowhouse.as({ organizationId, service: 'sync' })
    // Written by the engine only; the rows are the organization's.
    const operator = house().rowhouse.as({ organizationId, operator: 'test', reason: 'wishes' })
    const wishes = async (): Promise<unknown> => Object.fromEntries(await readWishes(home, connectionId))
    await wantResync(operator, connectionId, ['contact'])
    await wantResync(operator, connectionId, ['contact'])
    expect(await wishes()).toEqual({ contact: { wanted: 2, begun: 0, renew: false } })
    await beginWish(operator, connectionId, 'contact', { wanted: 2, begun: 0, renew: false })
    expect(await wishes()).toEqual({})
    await wantResync(operator, connectionId, ['contact', 'company'], true)
    await wantResync(operator, connectionId, ['contact', 'company'], true)
    expect(await wishes()).toEqual({
      contact: { wanted: 3, begun: 2, renew: true },
      company: { wanted: 1, begun: 0, renew: true },
    })
    await beginWish(operator, connectionId, 'contact', { wanted: 3, begun: 2, renew: true })
    await wantResync(operator, connectionId, ['contact'])
    expect(await wishes()).toMatchObject({ contact: { wanted: 4, begun: 3, renew: false } })
  })
})
