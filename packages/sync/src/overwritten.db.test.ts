// An edit made at the CRM in the moment between our read and our write of the same field. HubSpot takes no condition on a
// write, so ours goes over it: its history says what was lost, and that is a conflict, never a silence.
import { connectors } from '@rowhouse/connectors'
import type { Connector, FieldHistory } from '@rowhouse/connectors'
import { withClient } from '@rowhouse/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { fast, useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import type { Sync } from './index.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 20 }
const hubspot = fast.get('hubspot') as Connector
const engines: Sync[] = []

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
  await withClient(house().database.adminUrl, async (admin) => {
    const stored = await house().sync.connections.list(house().owners.map(({ organizationId }) => organizationId))
    await admin.query('delete from rowhouse.connections where id = any ($1)', [stored.map(({ id }) => id)])
    for (const table of ['contacts', 'rowhouse_home.sync_links', 'rowhouse_home.sync_conflicts'])
      await admin.query(`delete from ${table} where organization_id = $1`, [house().owners[0]?.organizationId])
  })
})

type Changes = { readonly [Key in keyof Connector]?: Connector[Key] | undefined }

/** HubSpot, where a person is quicker than each update and delete of ours: `meanwhile` is done between our read and our write. */
function outrun(meanwhile: () => void, changes: Changes = {}): Map<string, Connector> {
  const connector = new Proxy(hubspot, {
    get(target, key) {
      if (key in changes) return changes[key as keyof Connector]
      if (key !== 'write') return Reflect.get(target, key, target) as unknown
      return (...[http, selection, operations]: Parameters<Connector['write']>) => {
        if (operations.some(({ kind }) => kind !== 'create')) meanwhile()
        return target.write(http, selection, operations)
      }
    },
  })
  return new Map([['hubspot', connector]])
}

/** One contact on both sides, and a worker whose updates are outrun by `edits`, one for each. */
async function scene(
  edits: readonly Record<string, string>[],
  changes: Changes = {},
): Promise<{ household: Household; id: string; shown: () => Promise<Record<string, string>> }> {
  const account = house().createAccount({ connector: 'hubspot', name: 'Alder' })
  const hand = house().sandbox.person(account.id)
  const id = hand.create('contacts', { email: 'ada@x.example', jobtitle: 'Agreed', phone: '1' })
  const left = [...edits]
  const engine = house().engine({
    connectors: outrun(() => {
      const edit = left.shift()
      if (edit !== undefined) hand.update('contacts', id, edit)
    }, changes),
  })
  engines.push(engine)
  const household = await house().connect(0, account)
  engine.worker.start()
  await house().live(household)
  return {
    household,
    id,
    shown: async () =>
      ((await house().records(account, 'contacts'))[0]?.['properties'] ?? {}) as Record<string, string>,
  }
}

const conflicts = async ({ organizationId, acting }: Household): Promise<unknown[]> =>
  (await house().sync.conflicts.list(organizationId, acting)).map(({ field, base, local, remote, winner }) => ({
    field,
    base,
    local,
    remote,
    winner,
  }))

const theirs = { field: 'jobtitle', base: 'Agreed', local: 'Ours', remote: 'Theirs', winner: 'local' }

/** Everything that was sent has been looked at, or there is nobody to look. */
async function polled({ account }: Household): Promise<void> {
  const searches = async (): Promise<number> =>
    (await house().requests(account)).filter(({ path }) => path.endsWith('/contacts/search')).length
  const before = await searches()
  await expect.poll(searches, soon).toBeGreaterThan(before + 2)
}

describe('an edit at HubSpot between our read and our write', () => {
  it('of the same field is a conflict; of another field it arrives', async () => {
    const { household, shown } = await scene([{ jobtitle: 'Theirs', phone: '2' }])
    await household.person.query(`update contacts set title = 'Ours'`)
    await expect.poll(() => conflicts(household), soon).toEqual([theirs])
    expect(await shown()).toMatchObject({ jobtitle: 'Ours', phone: '2' })
    await expect
      .poll(async () => (await household.person.query('select title, phone from contacts')).rows, soon)
      .toEqual([{ title: 'Ours', phone: '2' }])
    await polled(household)
    expect(await conflicts(household)).toEqual([theirs])
  })

  it('is told of although the answer to our write was lost and the record was edited again', async () => {
    const { household, id, shown } = await scene([{ jobtitle: 'Theirs' }])
    house().sandbox.chaos(household.account.id, { timeoutAfterRate: 1, timeoutHoldMs: 1 })
    await household.person.query(`update contacts set title = 'Ours'`)
    await expect.poll(async () => (await shown())['jobtitle'], soon).toBe('Ours')
    house().sandbox.person(household.account.id).update('contacts', id, { jobtitle: 'Later' })
    house().sandbox.chaos(household.account.id)
    await expect.poll(() => conflicts(household), soon).toContainEqual(theirs)
  })

  it('is told of where our write is a delete', async () => {
    const { household } = await scene([{ jobtitle: 'Theirs' }])
    await household.person.query('delete from contacts')
    await expect.poll(() => conflicts(household), soon).toEqual([{ ...theirs, local: null }])
    expect(await house().records(household.account, 'contacts')).toEqual([])
  })

  it('is told of although the record was deleted before anybody looked', async () => {
    let removed = 0
    const scenery: { remove?: () => void } = {}
    const { household, id } = await scene([{ jobtitle: 'Theirs' }], {
      history: {
        recordsMax: 50,
        read(...asked) {
          // Whoever looks comes too late, however soon that is.
          if (removed === 0) scenery.remove?.()
          removed += 1
          return (hubspot.history as FieldHistory).read(...asked)
        },
      },
    })
    scenery.remove = () => {
      house().sandbox.person(household.account.id).remove('contacts', id)
    }
    await household.person.query(`update contacts set title = 'Ours'`)
    await expect.poll(() => conflicts(household), soon).toContainEqual(theirs)
    expect(await house().records(household.account, 'contacts')).toEqual([])
  })

  it('is told of when the history answers again; while it is refused, everything else goes on', async () => {
    const told: { refused: number; answers: boolean } = { refused: 0, answers: false }
    const history: FieldHistory = {
      recordsMax: 50,
      read(...asked) {
        if (told.answers) return (hubspot.history as FieldHistory).read(...asked)
        told.refused += 1
        const failure = { action: 'pause', reason: 'No histories of this object.', advice: null } as const
        return Promise.resolve({ ok: false, failure })
      },
    }
    const { household } = await scene([{ jobtitle: 'Theirs' }], { history })
    await household.person.query(`update contacts set title = 'Ours'`)
    await expect.poll(() => told.refused, soon).toBeGreaterThan(2)
    const { organizationId, connection } = household
    expect((await house().sync.connections.get(organizationId, connection.id)).state).toBe('live')
    expect(await conflicts(household)).toEqual([])
    told.answers = true
    await expect.poll(() => conflicts(household), soon).toEqual([theirs])
  })

  it('would be lost without a word if the history were not asked', async () => {
    const { household, shown } = await scene([{ jobtitle: 'Theirs' }], { history: undefined })
    await household.person.query(`update contacts set title = 'Ours'`)
    await expect.poll(async () => (await shown())['jobtitle'], soon).toBe('Ours')
    await polled(household)
    expect(await conflicts(household)).toEqual([])
    expect(await shown()).toMatchObject({ jobtitle: 'Ours' })
  })

  it('costs one call for fifty updates, none where nothing was sent, and none is forgotten', async () => {
    const { household } = await scene([])
    await household.person.query(
      `insert into contacts (email) select 'n' || n || '@x.example' from generate_series(1, 120) n`,
    )
    const linked = `select from rowhouse_home.sync_links where state = 'linked' and seen is not null`
    await expect.poll(async () => (await household.person.query(linked)).rowCount, soon).toBe(121)
    await polled(household)
    const reads = (): number =>
      house().events.filter(
        (event) =>
          event.type === 'call' && event.connectionId === household.connection.id && event.path.includes('batch/read'),
      ).length
    const before = reads()
    await household.person.query(`update contacts set title = 'All'`)
    const sent = `select from rowhouse_home.sync_deliveries
      where kind = 'update' and status = 'delivered' and connection_id = '${household.connection.id}'`
    await expect.poll(async () => (await household.person.query(sent)).rowCount, soon).toBe(121)
    await expect.poll(async () => (await household.person.query(`${sent} and unexamined`)).rowCount, soon).toBe(0)
    expect(reads() - before).toBeGreaterThanOrEqual(3)
    expect(reads() - before).toBeLessThanOrEqual(6)
    expect(await conflicts(household)).toEqual([])
  })
})

it('no other connector that writes without conditions keeps a history', () => {
  const blind = [...connectors.values()].filter(
    (connector) => !connector.describe().capabilities.conditionalWrites && connector.history === undefined,
  )
  // Its page says so: docs/connectors.md.
  expect(blind.map(({ id }) => id)).toEqual(['netsuite'])
})
