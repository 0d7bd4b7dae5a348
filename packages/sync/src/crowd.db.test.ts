// More records modified at once than HubSpot's search shows for one query, and than one round reads: all arrive,
// within the budgets that the connector really has.
import { connectors } from '@rowhouse/connectors'
import { describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'

const RECORDS = 12_000
const house = useHouse({ connectors, callTimeoutMs: 10_000 })

describe('a crowd of records', () => {
  it('is read to its end, five searches a second, and then left alone', async () => {
    const limits = { tenSecondlyMax: 10_000, searchSecondlyMax: 5, dailyMax: 10_000_000 }
    const account = house().createAccount({ connector: 'hubspot', name: 'Alder', limits })
    const alder = await house().connect(0, account)
    house().sync.worker.start()
    await house().live(alder)
    for (let from = 0; from < RECORDS; from += 100) {
      const inputs = Array.from({ length: 100 }, (_, n) => ({ properties: { email: `p${from + n}@crowd.example` } }))
      const answer = await fetch(`${account.url}/crm/v3/objects/contacts/batch/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${account.personToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ inputs }),
      })
      expect(answer.status).toBe(201)
    }
    const count = async (): Promise<number> =>
      (await alder.person.query<{ n: number }>('select count(*)::int as n from contacts')).rows[0]?.n ?? 0
    await expect.poll(count, { timeout: 150_000, interval: 200 }).toBe(RECORDS)
    const refused = (await house().requests(account)).filter(({ status }) => status === 429)
    expect(refused).toEqual([])
  })
})
