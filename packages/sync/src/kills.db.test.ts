// A worker killed at any of its writes: what it was about to do is done by the next one, once. A few of the moments here;
// all of them with `npm run soak -- kills`.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

import { encryptionKey, useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 50 }
const LEASE_MS = 800
/** More than a worker makes until both directions are done; the last ones kill nobody. */
const WRITES_MAX = 45
/** Fewer than it makes in any case. */
const SURELY_MAX = 27
const SAMPLE = [4, 9, 13, 17, 21, 27]

const every = Array.from({ length: WRITES_MAX }, (_, index) => index + 1)
const points = (process.env['ROWHOUSE_KILLS'] === 'all' ? every : SAMPLE).flatMap((dieAt, index) =>
  process.env['ROWHOUSE_KILLS'] === 'all'
    ? (['before', 'after'] as const).map((when) => ({ dieAt, when }))
    : [{ dieAt, when: index % 2 === 0 ? ('after' as const) : ('before' as const) }],
)

let household: Household
let child: ChildProcess | null = null
let edited = ''

beforeAll(async () => {
  const account = house().createAccount({ connector: 'hubspot', name: 'Killed' })
  const hand = house().sandbox.person(account.id)
  hand.create('contacts', { email: 'ours@x.example', firstname: 'Ours' })
  edited = hand.create('contacts', { email: 'theirs@x.example', firstname: 'Theirs' })
  household = await house().connect(0, account)
  house().sync.worker.start()
  await house().live(household)
  await house().sync.worker.stop()
})
afterEach(async () => {
  await house().sync.worker.stop()
  child?.kill('SIGKILL')
  child = null
})

interface Side {
  readonly email: string
  readonly title: string
}

const byEmail = (sides: readonly Side[]): Side[] => sides.toSorted((a, b) => (a.email < b.email ? -1 : 1))

const here = async (): Promise<Side[]> =>
  byEmail(
    (await household.person.query<Side>(`select email, coalesce(title, '') as title from contacts`)).rows.map(
      (row) => ({
        ...row,
      }),
    ),
  )

const there = async (): Promise<Side[]> =>
  byEmail(
    (await house().records(household.account, 'contacts')).map(({ properties }) => {
      const { email = '', jobtitle = '' } = properties as Record<string, string>
      return { email, title: jobtitle }
    }),
  )

const underWay = async (): Promise<number | null> =>
  (
    await household.person.query(
      `select from rowhouse_home.sync_marks union all
       select from rowhouse_home.sync_deliveries where status = 'pending'`,
    )
  ).rowCount

/** Whether it died of itself. */
async function dies(dieAt: number, when: 'before' | 'after'): Promise<boolean> {
  const options = JSON.stringify({ ...house().database, encryptionKey, leaseMs: LEASE_MS, dieAt, when })
  const dying = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/dying-process.ts'), options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  child = dying
  const dead = once(dying, 'exit')
  // With a number beyond its last write it does its work and lives.
  const isOver = async (): Promise<boolean> =>
    dying.signalCode !== null ||
    ((await underWay()) === 0 && JSON.stringify(await here()) === JSON.stringify(await there()))
  await vi.waitUntil(isOver, { timeout: soon.timeout, interval: 100 })
  const isDead = dying.signalCode !== null
  dying.kill('SIGKILL')
  await dead
  return isDead
}

describe('a worker that is killed', { timeout: 120_000 }, () => {
  it.each(points)('$when its write number $dieAt leaves everything to be done once', async ({ dieAt, when }) => {
    const name = `${dieAt}-${when}`
    await house().control('reset', { account: household.account.id })
    await household.person.query(`update contacts set title = $1 where email = 'ours@x.example'`, [name])
    await household.person.query('insert into contacts (email) values ($1)', [`here-${name}@x.example`])
    const hand = house().sandbox.person(household.account.id)
    hand.update('contacts', edited, { jobtitle: name })
    hand.create('contacts', { email: `there-${name}@x.example` })
    const expected = byEmail([
      ...(await here()).filter(({ email }) => !['ours@x.example', 'theirs@x.example'].includes(email)),
      { email: 'ours@x.example', title: name },
      { email: 'theirs@x.example', title: name },
      { email: `there-${name}@x.example`, title: '' },
    ])
    expect((await dies(dieAt, when)) || dieAt > SURELY_MAX).toBe(true)
    house().sync.worker.start()
    await expect.poll(here, soon).toEqual(expected)
    await expect.poll(there, soon).toEqual(expected)
    await expect.poll(underWay, soon).toBe(0)
    const writes = (await house().requests(household.account))
      .filter(({ path, status }) => /batch\/(create|update|archive)/.test(path) && status < 300)
      .map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
    expect(writes.toSorted()).toEqual(['create', 'update'])
    expect(await house().sync.conflicts.list(household.organizationId, household.acting)).toEqual([])
    expect(await house().sync.deadLetters.list(household.organizationId, household.acting)).toEqual([])
  })
})
