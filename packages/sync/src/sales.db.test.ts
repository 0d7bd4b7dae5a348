// Deals, notes, tasks and a custom object through the real engine, with both simulated CRMs over real HTTP: read
// with their parents, made here and there, changed here and there, deleted, and nothing echoes.
import type { ObjectMapping } from '@rowhouse/connectors'
import type { Hand } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { salesTables } from './fixtures/sales-tables.ts'

const house = useHouse({}, salesTables)
const soon = { timeout: 60_000, interval: 20 }

interface Crm {
  readonly connector: 'hubspot' | 'salesforce'
  /** Objects as a person there names them. */
  readonly names: { readonly company: string; readonly deal: string; readonly note: string; readonly machine: string }
  readonly company: (name: string) => Record<string, string>
  readonly deal: { readonly name: string; readonly amount: string; readonly closes: string; readonly next: string }
  newDeal(name: string): Record<string, unknown>
  refer(hand: Hand, object: string, id: string, companyId: string): void
  makeMachine(hand: Hand): void
  /** The custom object's mapping. */
  readonly machine: ObjectMapping
  /** A record as the sandbox shows it: by name of the field. */
  valuesOf(record: Record<string, unknown>): Record<string, unknown>
  /** What a note about a company is made of, here. */
  readonly noteColumns: string
}

const machine = (object: string, field: (column: string) => string, company: string): ObjectMapping => ({
  object,
  table: 'machines',
  fields: ['serial', 'weight', 'bought_on', 'seen_at', 'active', 'size'].map((column) => ({
    column,
    field: field(column),
  })),
  references: [{ column: 'company_id', reference: company }],
  matchBy: ['serial'],
})

const fieldTypes = [
  { name: 'serial', type: 'text' },
  { name: 'weight', type: 'number' },
  { name: 'bought_on', type: 'date' },
  { name: 'seen_at', type: 'datetime' },
  { name: 'active', type: 'boolean' },
  { name: 'size', type: 'picklist', options: ['small', 'large'] },
] as const

const crms: readonly Crm[] = [
  {
    connector: 'hubspot',
    names: { company: 'companies', deal: 'deals', note: 'notes', machine: '2-1' },
    company: (name) => ({ name }),
    deal: { name: 'dealname', amount: 'amount', closes: 'closedate', next: 'contractsent' },
    newDeal: (name) => ({ dealname: name, amount: '10.50', dealstage: 'appointmentscheduled', pipeline: 'default' }),
    refer: (hand, object, id, companyId) => hand.associate!(object, id, 'companies', companyId),
    makeMachine(hand) {
      hand.addObject('machine', 'Machine')
      for (const field of fieldTypes) hand.addField('machine', field)
    },
    machine: machine('2-1', (column) => column, 'company'),
    valuesOf: (record) => record['properties'] as Record<string, unknown>,
    noteColumns: `body, noted_at, company_id) select 'Met', '2026-03-29 01:30+00', id`,
  },
  {
    connector: 'salesforce',
    names: { company: 'Account', deal: 'Opportunity', note: 'Note', machine: 'Machine__c' },
    company: (name) => ({ Name: name }),
    deal: { name: 'Name', amount: 'Amount', closes: 'CloseDate', next: 'Proposal/Price Quote' },
    newDeal: (name) => ({ Name: name, Amount: 10.5, StageName: 'Prospecting', CloseDate: '2026-03-29' }),
    refer: (hand, object, id, companyId) =>
      hand.update(object, id, { [object === 'Machine__c' ? 'Account__c' : 'AccountId']: companyId }),
    makeMachine(hand) {
      hand.addObject('Machine', 'Machine')
      for (const { name, ...field } of fieldTypes) hand.addField('Machine__c', { name: `${name}__c`, ...field })
      hand.addField('Machine__c', { name: 'Account__c', type: 'reference', referenceTo: 'Account' })
    },
    machine: machine('Machine__c', (column) => `${column}__c`, 'Account__c'),
    valuesOf: (record) => record,
    noteColumns: `title, body, company_id) select 'Met', 'Said much', id`,
  },
]

describe.each(crms)('an organization with $connector', (crm) => {
  let alder: Household
  let hand: Hand
  const records = async (object: string): Promise<Record<string, unknown>[]> =>
    (await house().records(alder.account, object)).map((record) => ({
      id: record['id'] ?? record['Id'],
      ...crm.valuesOf(record),
    }))
  const rows = async (text: string): Promise<unknown[]> => (await alder.person.query(text)).rows

  /** Of this connection: the organization has had another one. */
  const ours = (table: string, columns: string): Promise<unknown[]> =>
    rows(`select ${columns} from rowhouse_home.${table} t where t.connection_id = '${alder.connection.id}'`)

  describe('whose tables are those of the default mapping', () => {
    beforeAll(async () => {
      const account = house().createAccount({ connector: crm.connector, name: 'Alder' })
      hand = house().sandbox.person(account.id)
      const ash = hand.create(crm.names.company, crm.company('Ash'))
      const deal = hand.create(crm.names.deal, crm.newDeal('Theirs'))
      crm.refer(hand, crm.names.deal, deal, ash)
      alder = await house().connect(0, account)
      await alder.person.query(
        `insert into deals (name, amount, stage, close_date) values ('Ours', 99.95, $1, '2026-10-25')`,
        [crm.newDeal('')[crm.connector === 'hubspot' ? 'dealstage' : 'StageName']],
      )
      house().sync.worker.start()
      await house().live(alder)
      return async () => {
        await house().sync.connections.pause(alder.organizationId, alder.connection.id)
        for (const table of ['tasks', 'notes', 'deals', 'contacts', 'companies'])
          await alder.person.query(`delete from ${table}`)
      }
    })

    it('syncs all five objects', () => {
      expect(alder.connection.objects.map(({ object, table }) => [object, table])).toEqual([
        ['company', 'companies'],
        ['contact', 'contacts'],
        ['deal', 'deals'],
        ['note', 'notes'],
        ['task', 'tasks'],
      ])
    })

    it('reads a deal with its company', async () => {
      const text = `select d.name, d.amount::text, c.name as company from deals d join companies c on c.id = d.company_id`
      expect(await rows(text)).toEqual([{ name: 'Theirs', amount: expect.stringMatching(/^10\.50?$/), company: 'Ash' }])
    })

    it('sends a deal that was here, on its day, and then its company', async () => {
      const sentDeal = async () => (await records(crm.names.deal)).find((one) => one[crm.deal.name] === 'Ours')
      await expect.poll(sentDeal, soon).toMatchObject({ [crm.deal.name]: 'Ours' })
      const sent = await sentDeal()
      expect(String(sent![crm.deal.amount])).toBe('99.95')
      // HubSpot keeps an instant: midnight where the portal is. The row keeps its day, whatever comes back.
      expect(String(sent![crm.deal.closes])).toMatch(/^2026-10-25(T04:00:00.000Z)?$/)
      await alder.person.query(`update deals set company_id = (select id from companies) where name = 'Ours'`)
      await expect.poll(() => rows(delivered('@company')), soon).toEqual([{ n: 1 }])
      await settled()
      expect(await rows(`select close_date::text from deals where name = 'Ours'`)).toEqual([
        { close_date: '2026-10-25' },
      ])
      hand.update(crm.names.deal, String(sent!['id']), { [crm.deal.amount]: crm.connector === 'hubspot' ? '100' : 100 })
      await expect
        .poll(
          () =>
            rows(`select d.amount::text, d.close_date::text, c.name from deals d join companies c on c.id = d.company_id
                  where d.name = 'Ours'`),
          soon,
        )
        .toEqual([{ amount: '100', close_date: '2026-10-25', name: 'Ash' }])
    })

    it('takes a stage from there, sends one from here, and echoes neither', async () => {
      const theirs = (await records(crm.names.deal)).find((one) => one[crm.deal.name] === 'Theirs')!
      await alder.person.query(`update deals set stage = $1 where name = 'Theirs'`, [crm.deal.next])
      const stage = crm.connector === 'hubspot' ? 'dealstage' : 'StageName'
      await expect.poll(() => rows(delivered(stage)), soon).toEqual([{ n: 1 }])
      await settled()
      expect((await records(crm.names.deal)).find(({ id }) => id === theirs['id'])).toMatchObject({
        [stage]: crm.deal.next,
      })
      expect(await rows(delivered(stage))).toEqual([{ n: 1 }])
      expect(await ours('sync_conflicts', 'object, field')).toEqual([])
    })

    it('sends a note and a task about the company, and takes a deletion', async () => {
      await alder.person.query(`insert into notes (${crm.noteColumns} from companies`)
      await alder.person.query(
        `insert into tasks (subject, due_date, company_id) select 'Call', '2026-03-29', id from companies`,
      )
      const task = crm.connector === 'hubspot' ? 'tasks' : 'Task'
      for (const object of [crm.names.note, task])
        await expect.poll(async () => (await records(object)).length, soon).toBe(1)
      await settled()
      expect(await rows(`select due_date::text from tasks`)).toEqual([{ due_date: '2026-03-29' }])
      const theirs = (await records(crm.names.deal)).find((one) => one[crm.deal.name] === 'Theirs')!
      hand.remove(crm.names.deal, String(theirs['id']))
      await expect.poll(() => rows(`select name from deals`), soon).toEqual([{ name: 'Ours' }])
    })
  })

  describe('that maps a custom object', () => {
    const companies: ObjectMapping = {
      object: 'company',
      table: 'companies',
      fields: [{ column: 'name', field: Object.keys(crm.company(''))[0]! }],
      references: [],
      matchBy: [],
    }
    let machineNames: Record<string, string>

    beforeAll(async () => {
      const account = house().createAccount({ connector: crm.connector, name: 'Birch' })
      hand = house().sandbox.person(account.id)
      crm.makeMachine(hand)
      machineNames = Object.fromEntries(crm.machine.fields.map(({ column, field }) => [column, field]))
      const ash = hand.create(crm.names.company, crm.company('Ash'))
      const id = hand.create(crm.names.machine, {
        [machineNames['serial']!]: 'M-1',
        [machineNames['weight']!]: crm.connector === 'hubspot' ? '12.50' : 12.5,
        [machineNames['bought_on']!]: '2026-03-29',
        [machineNames['active']!]: crm.connector === 'hubspot' ? 'true' : true,
      })
      crm.refer(hand, crm.names.machine, id, ash)
      alder = await house().connect(1, account, { mapping: [crm.machine, companies] })
      await alder.person.query(`insert into machines (serial, weight) values ('M-1', null), ('M-2', 7)`)
      house().sync.worker.start()
      await house().live(alder)
      return async () => {
        await house().sync.connections.pause(alder.organizationId, alder.connection.id)
        for (const table of ['machines', 'companies']) await alder.person.query(`delete from ${table}`)
      }
    })

    const machines = () =>
      rows(`select m.serial, m.weight::float8 as weight, m.bought_on::text, m.seen_at::text, m.active, m.size,
              c.name as company
            from machines m left join companies c on c.id = m.company_id order by m.serial`)

    it('orders it behind what it refers to, and matches it by a custom field', async () => {
      expect(alder.connection.objects.map(({ table }) => table)).toEqual(['companies', 'machines'])
      await expect.poll(async () => (await records(crm.names.machine)).length, soon).toBe(2)
      const [first] = (await machines()) as [Record<string, unknown>]
      expect(first).toMatchObject({
        serial: 'M-1',
        weight: 12.5,
        bought_on: '2026-03-29',
        active: true,
        company: 'Ash',
      })
    })

    it('carries every kind of custom field and the reference both ways', async () => {
      await alder.person.query(
        `update machines set size = 'large', seen_at = '2026-10-25 00:30:00+00', weight = 8.25,
           company_id = (select id from companies) where serial = 'M-2'`,
      )
      const there = async () => (await records(crm.names.machine)).find((one) => one[machineNames['serial']!] === 'M-2')
      await expect.poll(async () => (await there())?.[machineNames['size']!], soon).toBe('large')
      const sent = (await there())!
      expect(Number(sent[machineNames['weight']!])).toBe(8.25)
      expect(Date.parse(String(sent[machineNames['seen_at']!]))).toBe(Date.parse('2026-10-25T00:30:00Z'))
      await settled()
      hand.update(crm.names.machine, String(sent['id']), { [machineNames['size']!]: 'small' })
      await expect.poll(machines, soon).toContainEqual({
        serial: 'M-2',
        weight: 8.25,
        bought_on: null,
        seen_at: expect.stringMatching(/^2026-10-25/),
        // A checkbox of Salesforce knows no third state.
        active: crm.connector === 'hubspot' ? null : false,
        size: 'small',
        company: 'Ash',
      })
      await settled()
    })

    it('parks an unknown value of its pick list, and sends the rest', async () => {
      await alder.person.query(`update machines set size = 'enormous' where serial = 'M-1'`)
      await alder.person.query(`update machines set size = 'small' where serial = 'M-2'`)
      const parked = () => ours('sync_dead_letters', 'object, direction')
      await expect.poll(parked, soon).toEqual([{ object: crm.machine.object, direction: 'outbound' }])
      await alder.person.query(`update machines set size = 'large' where serial = 'M-1'`)
      await expect.poll(parked, soon).toEqual([])
      await settled()
    })
  })

  const settled = async (): Promise<void> => {
    await expect.poll(() => ours('sync_marks', 'object, record_id'), soon).toEqual([])
    expect(await ours('sync_dead_letters', 'code, reason')).toEqual([])
  }
  const delivered = (field: string): string =>
    `select count(*)::int as n from rowhouse_home.sync_deliveries d
     where d.status = 'delivered' and d.connection_id = '${alder.connection.id}' and d.kind = 'update'
       and d.fields ? '${field}'`
})

describe('a mapping that does not fit', () => {
  const wrong: readonly (readonly [problem: string, mapping: readonly ObjectMapping[], message: RegExp])[] = [
    ['no object', [], /at least one/],
    ['an object the account does not have', [{ ...base(), object: '2-9' }], /has no object 2-9/],
    ['a table that is not there', [{ ...base(), table: 'nothing' }], /no table nothing/],
    ['a column that is not there', [{ ...base(), fields: [{ column: 'colour', field: 'name' }] }], /no column colour/],
    ['a field that is not there', [{ ...base(), fields: [{ column: 'name', field: 'colour' }] }], /no field colour/],
    ['a column of the database', [{ ...base(), fields: [{ column: 'id', field: 'name' }] }], /set by the database/],
    ['a column twice', [{ ...base(), fields: [base().fields[0]!, base().fields[0]!] }], /twice/],
    ['an object twice', [base(), base()], /twice/],
    [
      'a day in a column of instants',
      [{ ...base(), object: 'deal', table: 'notes', fields: [{ column: 'noted_at', field: 'closedate' }] }],
      /kind date/,
    ],
    [
      'an instant in a column of days',
      [{ ...base(), object: 'note', table: 'tasks', fields: [{ column: 'due_date', field: 'hs_timestamp' }] }],
      /kind instant/,
    ],
    [
      'a reference that is not there',
      [{ ...base(), references: [{ column: 'domain', reference: 'parent' }] }],
      /no reference parent/,
    ],
    [
      'a reference to what is not mapped',
      [
        {
          ...base(),
          object: 'contact',
          table: 'contacts',
          fields: [],
          references: [{ column: 'company_id', reference: 'company' }],
        },
      ],
      /which is not mapped/,
    ],
    ['a match by what is not mapped', [{ ...base(), matchBy: ['domain'] }], /matched by domain/],
  ]
  it.each(wrong)('is refused: %s', async (_, mapping, message) => {
    const account = house().createAccount({ connector: 'hubspot', name: 'Cedar' })
    await expect(house().connect(0, account, { mapping })).rejects.toMatchObject({
      code: 'mapping_invalid',
      message: expect.stringMatching(message),
    })
  })

  it('is left out where it was only offered: a table of the same name that holds something else', async () => {
    const account = house().createAccount({ connector: 'hubspot', name: 'Cedar' })
    await migrate('alter table notes rename column noted_at to made_at')
    const { connection } = await house().connect(0, account)
    await migrate('alter table notes rename column made_at to noted_at')
    expect(connection.objects.map(({ object }) => object)).toEqual(['company', 'contact', 'deal', 'task'])
  })

  it('is left out where the grant does not reach', async () => {
    const account = house().createAccount({ connector: 'hubspot', name: 'Dogwood' })
    house().sandbox.reduceScopes(account.id, ['crm.objects.contacts.write', 'crm.objects.companies.write'])
    const { connection } = await house().connect(0, account)
    expect(connection.objects.map(({ object }) => object)).toEqual(['company', 'contact', 'note', 'task'])
  })

  const migrate = (statement: string) => withClient(house().database.migratorUrl, (client) => client.query(statement))

  function base(): ObjectMapping {
    return {
      object: 'company',
      table: 'companies',
      fields: [{ column: 'name', field: 'name' }],
      references: [],
      matchBy: [],
    }
  }
})
