// The budget of a remote account against a real Postgres: what many workers take together.
import { useTestDatabase } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Budgets } from './budgets.ts'
import { pollIntervalMs } from './poll-pace.ts'
import type { RemoteAccount } from './budgets.ts'

const database = useTestDatabase()
const made: { pool?: Pool } = {}

beforeAll(() => {
  made.pool = new Pool({ connectionString: database().controlUrl, max: 8 })
})
afterAll(async () => {
  await made.pool?.end()
})

const budget = { name: 'default', windows: [{ calls: 110, windowMs: 600_000 }], callsPerDay: null, concurrent: null }
const account = (name: string): RemoteAccount => ({ connector: 'hubspot', account: name })
const worker = (): Budgets => new Budgets(made.pool as Pool, Date.now)

async function takeAll(
  budgets: Budgets,
  of: RemoteAccount,
  urgency: 'interactive' | 'live' | 'bulk',
  taken = 0,
): Promise<number> {
  const grant = await budgets.take(of, budget, urgency)
  return grant.granted ? takeAll(budgets, of, urgency, taken + 1) : taken
}

describe('a budget', () => {
  it('is never exceeded by any number of workers, and each urgency leaves its reserve', async () => {
    const one = account('1')
    const bulk = await Promise.all(Array.from({ length: 5 }, () => takeAll(worker(), one, 'bulk')))
    expect(bulk.reduce((sum, taken) => sum + taken, 0)).toBe(88)
    const live = await Promise.all(Array.from({ length: 5 }, () => takeAll(worker(), one, 'live')))
    expect(live.reduce((sum, taken) => sum + taken, 0)).toBe(17)
    expect(await takeAll(worker(), one, 'interactive')).toBe(5)
    expect(await worker().use(one)).toEqual([
      { name: 'default', kind: 'window', windowMs: 600_000, used: 110, limit: 110, closedUntil: null },
    ])
  })

  it('is asked for once by calls that leave together, and ahead of one that is expected', async () => {
    const used = async (name: string): Promise<number | undefined> => (await worker().use(account(name)))[0]?.used
    const budgets = worker()
    const together = await Promise.all([1, 2, 3].map(() => budgets.take(account('together'), budget, 'live')))
    expect(together.map(({ granted }) => granted)).toEqual([true, true, true])
    // Eight are reserved at a time: each of the three by itself would have reserved as many.
    expect(await used('together')).toBe(8)
    const ahead = worker()
    ahead.expect(account('ahead'), budget, 'live')
    ahead.expect(account('ahead'), budget, 'live')
    for (let call = 0; call < 8; call++) await ahead.take(account('ahead'), budget, 'live')
    expect(await used('ahead')).toBe(8)
    await ahead.take(account('ahead'), budget, 'live')
    expect(await used('ahead')).toBe(16)
    await Promise.all([1, 2, 3].map(() => worker().take(account('apart'), budget, 'live')))
    expect(await used('apart')).toBe(24)
  })

  it('ends with the day', async () => {
    const daily = { ...budget, callsPerDay: 3 }
    const budgets = worker()
    const grants = [1, 2, 3, 4].map(() => budgets.take(account('2'), daily, 'live'))
    expect((await Promise.all(grants)).filter(({ granted }) => granted).length).toBeLessThanOrEqual(3)
  })

  it('has no more calls under way than there may be, over all workers, and takes back what a dead one held', async () => {
    const one = account('at once')
    const few = { ...budget, windows: [], concurrent: 5 }
    const take = (urgency: 'live' | 'bulk') => worker().take(one, few, urgency)
    const bulk = await Promise.all(Array.from({ length: 8 }, () => take('bulk')))
    // Two workers that choose the same free place may both be told to ask again, never both be let in.
    const begun = bulk.filter(({ granted }) => granted).length
    expect(begun).toBeLessThanOrEqual(4)
    for (let more = begun; more < 4; more++) expect(await take('bulk')).toMatchObject({ granted: true })
    expect(await take('bulk')).toEqual({ granted: false, retryMs: expect.any(Number) })
    const last = await take('live')
    expect(await take('live')).toMatchObject({ granted: false })
    expect(await worker().use(one)).toEqual([
      { name: 'default', kind: 'concurrent', windowMs: null, used: 5, limit: 5, closedUntil: null },
    ])
    await (last.granted ? last.release?.() : undefined)
    expect(await take('live')).toMatchObject({ granted: true })
    expect(await take('live')).toMatchObject({ granted: false })
    await made.pool?.query('update rowhouse.sync_slots set held_until = now() where account = $1', [one.account])
    expect(await take('live')).toMatchObject({ granted: true })
  })

  it('closes for every worker when the provider says to wait', async () => {
    const one = account('3')
    expect(await worker().take(one, budget, 'live')).toEqual({ granted: true })
    await worker().close(one, 60_000)
    const refused = await worker().take(one, budget, 'interactive')
    expect(refused).toMatchObject({ granted: false })
    expect(refused.granted ? 0 : refused.retryMs).toBeGreaterThan(50_000)
  })

  it('takes over what the provider counted', async () => {
    const one = account('4')
    await worker().take(one, budget, 'live')
    await worker().correct(one, [{ budget: 'default', windowMs: 600_000, used: 109, limit: 110 }])
    expect(await worker().take(one, budget, 'live')).toMatchObject({ granted: false })
  })

  it('learns the limit of the day from the provider, for every worker', async () => {
    const one = account('5')
    const daily = { ...budget, callsPerDay: 3 }
    await worker().take(one, daily, 'live')
    await worker().correct(one, [{ budget: 'default', windowMs: null, used: 1, limit: 115_000 }])
    expect(await worker().known(one)).toEqual({ callsPerDay: { default: 115_000 }, connections: 1 })
    const grants = await Promise.all([1, 2, 3, 4].map(() => worker().take(one, daily, 'live')))
    expect(grants).toEqual(grants.map(() => ({ granted: true })))
    expect(await worker().use(one)).toContainEqual(expect.objectContaining({ kind: 'day', limit: 115_000 }))
  })

  it('goes on when the provider’s day has begun again, though ours has not; before that it asks now and then', async () => {
    const one = account('another day')
    const daily = { ...budget, callsPerDay: 15_000 }
    await worker().take(one, daily, 'live')
    const said = (used: number) => worker().correct(one, [{ budget: 'default', windowMs: null, used, limit: 15_000 }])
    await said(15_000)
    // One call is let through to hear whether it still is so; what it hears is that it is.
    expect(await worker().take(one, daily, 'live')).toEqual({ granted: true })
    await said(15_000)
    const refused = await worker().take(one, daily, 'live')
    expect(refused).toMatchObject({ granted: false })
    expect(refused.granted ? 0 : refused.retryMs).toBeLessThanOrEqual(15 * 60_000 + 1)
    // Without asking it would wait for the end of our day.
    await (made.pool as Pool).query(
      `update rowhouse.sync_budgets set asked_at = now() - interval '1 hour' where account = $1`,
      [one.account],
    )
    expect(await worker().take(one, daily, 'live')).toEqual({ granted: true })
    await said(40)
    const grants = await Promise.all([1, 2, 3].map(() => worker().take(one, daily, 'live')))
    expect(grants).toEqual(grants.map(() => ({ granted: true })))
    // Who was never told a count counts the whole of our day.
    const untold = account('untold')
    expect(await worker().take(untold, { ...budget, callsPerDay: 1 }, 'live')).toEqual({ granted: true })
    expect(await worker().take(untold, { ...budget, callsPerDay: 1 }, 'live')).toMatchObject({ granted: false })
  })

  it('leaves nine tenths of the day to changes', () => {
    const daily = [{ ...budget, callsPerDay: 86_400 }]
    expect(pollIntervalMs(daily, null, 2, 1000)).toBe(20_000)
    expect(pollIntervalMs([budget], null, 2, 1000)).toBe(1000)
  })
})
