// What HubSpot leaves out, and what an answer that is none would do: neither clears a column nor deletes a row.
import { createHttp } from '@rowhouse/connectors'
import type { Connector } from '@rowhouse/connectors'
import type { Hand } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'
import { fast, useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 20 }

describe('what HubSpot does not say', () => {
  const mapping = [
    {
      object: 'contact',
      table: 'contacts',
      fields: [
        { column: 'email', field: 'email' },
        { column: 'title', field: 'nickname' },
      ],
      references: [],
      matchBy: ['email'],
    },
  ]

  async function connected(index: number): Promise<{ household: Household; id: string; hand: Hand }> {
    const account = house().createAccount({ connector: 'hubspot', name: `Silent ${index}` })
    const hand = house().sandbox.person(account.id)
    hand.addField('contacts', { name: 'nickname', type: 'text' })
    const id = hand.create('contacts', { email: `silent${index}@example.com`, nickname: 'Ada' })
    return { household: await house().connect(index, account, { mapping }), id, hand }
  }
  const titles = async ({ person }: Household): Promise<unknown[]> =>
    (await person.query<{ title: string }>('select title from contacts')).rows.map(({ title }) => title)
  const due = async ({ connection, organizationId }: Household, recordId: string): Promise<void> => {
    await house()
      .rowhouse.as({ organizationId, connectionId: connection.id })
      .query(
        `insert into rowhouse_home.sync_marks (connection_id, direction, object, record_id) values ($1, 'inbound', 'contact', $2)`,
        [connection.id, recordId],
      )
    await withClient(house().database.controlUrl, (control) =>
      control.query(
        `update rowhouse.sync_units set wake = wake + 1, due_at = now() where connection_id = $1 and lane = 'inbound'`,
        [connection.id],
      ),
    )
  }
  it('of a property that was deleted clears no column: the connection pauses, says which, and goes on when it is back', async () => {
    const { hand, household, id } = await connected(0)
    const { account, connection, organizationId } = household
    house().sync.worker.start()
    await house().live(household)
    expect(await titles(household)).toEqual(['Ada'])
    const http = createHttp({ baseUrl: account.url, accessToken: account.personToken })
    await http.request({ method: 'DELETE', path: '/crm/v3/properties/contacts/nickname' })
    await due(household, id)
    const state = () => house().sync.connections.get(organizationId, connection.id)
    await expect.poll(state, soon).toMatchObject({ state: 'paused', stateReason: expect.stringContaining('nickname') })
    expect(await titles(household)).toEqual(['Ada'])
    hand.addField('contacts', { name: 'nickname', type: 'text' })
    await house().sync.connections.resume(organizationId, connection.id)
    await house().live(household)
    await expect
      .poll(async () => (await household.person.query('select from rowhouse_home.sync_marks')).rowCount, soon)
      .toBe(0)
    expect(await titles(household)).toEqual(['Ada'])
  })

  it('would be taken for a deletion, if an error with status 200 were an answer without records', async () => {
    const { household, id } = await connected(1)
    const hubspot = fast.get('hubspot') as Connector
    const gullible: Connector = {
      ...hubspot,
      describe: () => hubspot.describe(),
      get: async (http, selection, ids) => {
        const answer = await hubspot.get(http, selection, ids)
        const isHollow = !answer.ok && answer.failure.reason.includes('something else than what was asked for')
        return isHollow ? { ok: true, value: [] } : answer
      },
    }
    const engine = house().engine({ connectors: new Map([['hubspot', gullible]]) })
    try {
      engine.worker.start()
      await house().live(household)
      expect(await titles(household)).toEqual(['Ada'])
      house().sandbox.chaos(household.account.id, { errorBodyRate: 1 })
      await due(household, id)
      await expect.poll(() => titles(household), soon).toEqual([])
    } finally {
      house().sandbox.chaos(household.account.id)
      await engine.close()
    }
  })
})
