// Who makes room for whom: logins that share one bound, servers that take no more, bounds that change.
import { RowhouseError } from '@rowhouse/contracts'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'

import { FakeConnection, doorOf, poolOf, serverOf } from './test-pool.ts'
import type { Open } from './test-pool.ts'
import type { Door } from './door.ts'

/** Lets all that is resolved run. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a login with many queries at once', () => {
  /** Three quiet logins, and one that wants all that there is; nothing comes back by itself. */
  async function crowd(max: number) {
    const pool = serverOf({ max, organizationMax: max, idleTimeoutMs: 0 })
    const quiet = [doorOf(), doorOf(), doorOf()].map((door, index) => ({ door, name: `quiet ${index}` }))
    const kept: FakeConnection[] = []
    const use = async (): Promise<void> => {
      kept.length = 0
      for (const { door, name } of quiet) {
        const connection = await pool.take(door, name)
        kept.push(connection)
        pool.give(connection)
      }
    }
    const flood = doorOf()
    const flooded: FakeConnection[] = []
    const ask = (count: number): void => {
      for (let one = 0; one < count; one += 1) {
        void pool.take(flood, 'flood').then(
          (connection) => flooded.push(connection),
          () => {},
        )
      }
    }
    return { pool, quiet, kept, use, flood, flooded, ask }
  }

  it('leaves a connection to each other login that is in use', async () => {
    const { pool, kept, use, flooded, ask } = await crowd(5)
    await use()
    ask(10)
    await settle()
    expect([flooded.length, kept.filter(({ ended }) => ended).length]).toEqual([2, 0])
    expect(pool.counts).toMatchObject({ busy: 2, idle: 3, waiting: 8 })
  })

  it('takes those that nobody has used lately', async () => {
    const { kept, use, flooded, ask } = await crowd(5)
    await use()
    await vi.advanceTimersByTimeAsync(5_000)
    ask(10)
    await settle()
    expect([flooded.length, kept.filter(({ ended }) => ended).length]).toEqual([5, 3])
  })

  it('gives back what it has beyond its room when the others come', async () => {
    const { pool, kept, use, flood, flooded, ask } = await crowd(5)
    ask(20)
    await settle()
    expect(flooded).toHaveLength(5)
    const others = use()
    const ended: boolean[] = []
    for (let turn = 0; turn < 40 && kept.length < 3; turn += 1) {
      const connection = flooded.shift()
      if (connection !== undefined) pool.give(connection)
      await settle()
      ended.push(connection?.ended === true)
    }
    await others
    await settle()
    for (const connection of flooded.splice(0)) pool.give(connection)
    await settle()
    // From here on the three stay, however much more is asked for.
    await use()
    const stay = [...kept]
    ask(20)
    await settle()
    await use()
    expect(kept).toEqual(stay)
    expect(pool.counts.busy + pool.counts.idle).toBeLessThanOrEqual(5)
    expect(flood.idle).toEqual([])
  })

  it('shares with another such login evenly', async () => {
    const pool = serverOf({ max: 6, organizationMax: 6, idleTimeoutMs: 0 })
    const [one, two] = [doorOf(), doorOf()]
    const held = { one: 0, two: 0 }
    const run = async (name: 'one' | 'two', door: Door<FakeConnection>): Promise<void> => {
      const connection = await pool.take(door, name)
      held[name] += 1
      await new Promise((resolve) => setTimeout(resolve, 10))
      held[name] -= 1
      pool.give(connection)
    }
    const all = [...Array(200).keys()].flatMap(() => [run('one', one)])
    await vi.advanceTimersByTimeAsync(5)
    all.push(...[...Array(200).keys()].map(() => run('two', two)))
    await vi.advanceTimersByTimeAsync(300)
    expect(held).toEqual({ one: 3, two: 3 })
    await vi.advanceTimersByTimeAsync(5_000)
    await Promise.all(all)
  })
})

test('a server that takes no more of a login is not asked again while one of it is here to wait for', async () => {
  let isFull = false
  const open = vi.fn<Open>(() =>
    isFull
      ? Promise.reject(new RowhouseError('database_unreachable', 'too many', { details: { sqlState: '53300' } }))
      : Promise.resolve(new FakeConnection()),
  )
  const pool = poolOf({ max: 4, organizationMax: 4 }, open)
  const first = await pool.take('a')
  isFull = true
  const second = pool.take('a')
  const third = pool.take('a')
  await settle()
  expect([open.mock.calls.length, pool.counts.waiting]).toEqual([3, 2])
  pool.give(first)
  expect(await second).toBe(first)
  // After a while it is asked again, for who still waits.
  isFull = false
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await third).not.toBe(first)
})

test('a server that takes no connection at all says so at once', async () => {
  const error = new RowhouseError('database_unreachable', 'too many', { details: { sqlState: '53300' } })
  const pool = poolOf({ max: 4 }, () => Promise.reject(error))
  await expect(pool.take('a')).rejects.toBe(error)
})

test('a lower bound holds from then on: what rests is closed, what is busy ends first', async () => {
  const pool = serverOf({ max: 4, organizationMax: 4 })
  const door = doorOf()
  const all = await Promise.all([1, 2, 3, 4].map(() => pool.take(door, 'a')))
  const [one, two, three, four] = all as [FakeConnection, FakeConnection, FakeConnection, FakeConnection]
  pool.give(one)
  pool.bound(2)
  expect(one.ended).toBe(true)
  await settle()
  pool.give(two)
  await settle()
  expect([two.ended, pool.counts.busy]).toEqual([true, 2])
  pool.give(three)
  expect([three.ended, pool.counts]).toEqual([false, { idle: 1, busy: 1, opening: 0, waiting: 0 }])
  pool.give(four)
  pool.bound(null)
  expect(await Promise.all([1, 2, 3, 4].map(() => pool.take(door, 'a')))).toHaveLength(4)
})

test('how many rest behind a door, and how long, is for the door to say', async () => {
  const pool = serverOf({ max: 4, organizationMax: 4, idleTimeoutMs: 60_000 })
  const door = { ...doorOf(), min: 1, idleTimeoutMs: 100 }
  const other = doorOf()
  const all = await Promise.all([pool.take(door, 'a'), pool.take(door, 'a'), pool.take(other, 'b')])
  const [first, second, third] = all
  pool.give(third)
  pool.give(first)
  pool.give(second)
  await vi.advanceTimersByTimeAsync(200)
  expect([first.ended, second.ended, third.ended]).toEqual([true, false, false])
})
