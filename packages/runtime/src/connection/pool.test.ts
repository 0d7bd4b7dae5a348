import { afterEach, beforeEach, expect, test, vi } from 'vitest'

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

test('it prefers the connection that last worked for the organization', async () => {
  const pool = poolOf({ max: 2 })
  const [a, b] = await Promise.all([pool.take('a'), pool.take('b')])
  a.organization = 'a'
  b.organization = 'b'
  pool.give(a)
  pool.give(b)
  expect(pool.tryTake('a')).toBe(a)
  expect(pool.tryTake('a')).toBe(b)
  expect(pool.tryTake('a')).toBeUndefined()
})

test('waiters are served in order, and nobody overtakes them', async () => {
  const pool = poolOf({ max: 1 })
  const connection = await pool.take('a')
  const served: string[] = []
  const waiters = ['first', 'second'].map(async (name) => {
    const taken = await pool.take('a')
    served.push(name)
    pool.give(taken)
  })
  pool.give(connection)
  await Promise.all(waiters)
  expect(served).toEqual(['first', 'second'])
  expect(pool.counts).toEqual({ idle: 1, busy: 0, opening: 0, waiting: 0 })
})

test('who waits too long, or is one too many, is refused', async () => {
  const pool = poolOf({ max: 1, acquireTimeoutMs: 50, waitingMax: 1 })
  await pool.take('a')
  const waiting = pool.take('a').catch((error: unknown) => error)
  await expect(pool.take('a')).rejects.toMatchObject({ code: 'pool_exhausted' })
  await vi.advanceTimersByTimeAsync(50)
  expect(await waiting).toMatchObject({ code: 'pool_exhausted', details: { max: 1 } })
  expect(pool.counts.waiting).toBe(0)
})

test('a broken connection is replaced for the one who waits', async () => {
  const pool = poolOf({ max: 1 })
  const connection = await pool.take('a')
  const next = pool.take('a')
  connection.broken = true
  pool.give(connection)
  expect(await next).not.toBe(connection)
})

test('a connection that broke while idle is not handed out', async () => {
  const pool = poolOf({ max: 1 })
  const connection = await pool.take('a')
  pool.give(connection)
  connection.broken = true
  expect(pool.tryTake('a')).toBeUndefined()
  expect(await pool.take('a')).not.toBe(connection)
})

test('each failed attempt to open is told to one waiter, then it is over', async () => {
  const open = vi.fn<() => Promise<FakeConnection>>(() => Promise.reject(new Error('refused')))
  const pool = poolOf({ max: 1 }, open)
  const outcomes = await Promise.allSettled([pool.take('a'), pool.take('a'), pool.take('a')])
  expect(outcomes.every((outcome) => outcome.status === 'rejected')).toBe(true)
  expect(open).toHaveBeenCalledTimes(3)
  expect(pool.counts).toEqual({ idle: 0, busy: 0, opening: 0, waiting: 0 })
})

test('an idle connection is closed after its time, a used one is not', async () => {
  const pool = poolOf({ max: 2, idleTimeoutMs: 100 })
  const [kept, dropped] = await Promise.all([pool.take('a'), pool.take('b')])
  kept.organization = 'a'
  pool.give(kept)
  pool.give(dropped)
  await vi.advanceTimersByTimeAsync(50)
  const taken = pool.tryTake('a')
  expect(taken).toBe(kept)
  pool.give(kept)
  await vi.advanceTimersByTimeAsync(50)
  expect([kept.ended, dropped.ended]).toEqual([false, true])
  await vi.advanceTimersByTimeAsync(100)
  expect(kept.ended).toBe(true)
})

test('closing refuses who waits, lets work finish, and breaks what does not', async () => {
  const pool = poolOf({ max: 2, closeTimeoutMs: 500 })
  const [quick, stuck] = await Promise.all([pool.take('a'), pool.take('a')])
  const waiting = pool.take('a').catch((error: unknown) => error)
  const closed = pool.close()
  expect(await waiting).toMatchObject({ code: 'closed' })
  pool.give(quick)
  expect(quick.ended).toBe(true)
  await vi.advanceTimersByTimeAsync(500)
  await closed
  expect(stuck.broken).toBe(true)
  await expect(pool.take('a')).rejects.toMatchObject({ code: 'closed' })
  await pool.close()
})

test('an organization waits at its share, and the others do not', async () => {
  const pool = poolOf({ max: 3, organizationMax: 2 })
  const [first] = await Promise.all([pool.take('flood'), pool.take('flood')])
  let served = false
  const third = pool.take('flood').then((connection) => {
    served = true
    return connection
  })
  const other = await pool.take('other')
  await settle()
  expect([served, pool.counts]).toEqual([false, { idle: 0, busy: 3, opening: 0, waiting: 1 }])
  pool.give(other)
  await settle()
  expect([served, pool.counts.idle]).toEqual([false, 1])
  expect(pool.tryTake('flood')).toBeUndefined()
  pool.give(first)
  pool.give(await third)
})

test('whoever waits too long for its share is told so', async () => {
  const pool = poolOf({ max: 2, organizationMax: 1, acquireTimeoutMs: 50 })
  await pool.take('a')
  const waiting = pool.take('a').catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(50)
  expect(await waiting).toMatchObject({ code: 'organization_busy', details: { share: 1, busy: 1 } })
})

test('where too many wait, the organization that has most waiting is refused, and no other', async () => {
  const pool = poolOf({ max: 2, organizationMax: 1, waitingMax: 3 })
  await Promise.all([pool.take('flood'), pool.take('other')])
  const outcomes: string[] = []
  const note = (name: string, taking: Promise<unknown>): void => {
    taking.catch((error: unknown) => outcomes.push(`${name}: ${(error as { code: string }).code}`))
  }
  for (let count = 0; count < 3; count += 1) note('flood', pool.take('flood'))
  note('flood', pool.take('flood'))
  note('other', pool.take('other'))
  note('other', pool.take('other'))
  await settle()
  expect(outcomes).toEqual(['flood: too_many_waiting', 'flood: too_many_waiting', 'flood: too_many_waiting'])
  expect(pool.counts.waiting).toBe(3)
})

test('one organization has so many waiting at most; one more is refused at once and told when to come again', async () => {
  const pool = poolOf({ max: 2, organizationMax: 1, organizationWaitingMax: 2, acquireTimeoutMs: 60_000 })
  await Promise.all([pool.take('flood'), pool.take('other')])
  const waiting = [pool.take('flood'), pool.take('flood')]
  await vi.advanceTimersByTimeAsync(2_500)
  await expect(pool.take('flood')).rejects.toMatchObject({
    code: 'too_many_waiting',
    retryable: true,
    status: 429,
    details: { share: 1, organizationId: 'flood', waiting: 2, retryAfterS: 3 },
  })
  // Nobody else is refused for it, and what waited goes on to.
  waiting.push(pool.take('other'), pool.take('other'))
  expect(pool.counts.waiting).toBe(4)
  const outcomes = Promise.allSettled(waiting)
  const closed = pool.close()
  expect((await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : ''))).toEqual(
    Array(4).fill('closed'),
  )
  await vi.advanceTimersByTimeAsync(10_000)
  await closed
})

test('how long one waits is for its organization to say', async () => {
  const pool = serverOf({ max: 1 })
  const door = doorOf()
  await pool.take(door, 'a')
  const waiting = pool.take(door, 'b', { share: 1, acquireTimeoutMs: 20 }).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(20)
  expect(await waiting).toMatchObject({ code: 'pool_exhausted', details: { acquireTimeoutMs: 20 } })
})

test('organizations take turns, however many queries one of them has waiting', async () => {
  const pool = poolOf({ max: 1 })
  const connection = await pool.take('start')
  const served: string[] = []
  const work = async (organization: string): Promise<void> => {
    const taken = await pool.take(organization)
    served.push(organization)
    pool.give(taken)
  }
  const all = ['flood', 'flood', 'flood', 'flood', 'b', 'c', 'b'].map(work)
  pool.give(connection)
  await Promise.all(all)
  expect(served).toEqual(['flood', 'b', 'c', 'flood', 'b', 'flood', 'flood'])
})

test('one bound holds over all logins of a server; an idle connection makes room for another login', async () => {
  const pool = serverOf({ max: 2 })
  const doors = [doorOf(), doorOf(), doorOf()] as const
  const most = { open: 0 }
  const opened: FakeConnection[] = []
  const count = (): void => {
    const { idle, busy, opening } = pool.counts
    most.open = Math.max(most.open, idle + busy + opening)
  }
  for (const door of doors) {
    const connection = await pool.take(door, 'a')
    count()
    opened.push(connection)
    pool.give(connection)
    count()
  }
  expect(most.open).toBe(2)
  // The one that was idle for longest went.
  expect(opened.map(({ ended }) => ended)).toEqual([true, false, false])
})

test('a connection that is being closed still counts', async () => {
  const pool = serverOf({ max: 1 })
  const first = new FakeConnection()
  let finish = (): void => {}
  first.end = () =>
    new Promise<void>((resolve) => {
      finish = resolve
    })
  const one = doorOf(() => Promise.resolve(first))
  const open = vi.fn<Open>(() => Promise.resolve(new FakeConnection()))
  pool.give(await pool.take(one, 'a'))
  const waiting = pool.take(doorOf(open), 'b')
  await settle()
  expect(open).not.toHaveBeenCalled()
  finish()
  await waiting
  expect(open).toHaveBeenCalledOnce()
})

test('a login whose turn it is gets in after a few of another login that is already connected', async () => {
  const pool = serverOf({ max: 1 })
  const [busy, other] = [doorOf(), doorOf()]
  const connection = await pool.take(busy, 'busy')
  const served: string[] = []
  const work = async (door: Door<FakeConnection>, organization: string): Promise<void> => {
    const taken = await pool.take(door, organization)
    served.push(organization)
    pool.give(taken)
  }
  const all = [work(other, 'other'), ...Array.from({ length: 30 }, () => work(busy, 'busy'))]
  pool.give(connection)
  await Promise.all(all)
  expect(served.indexOf('other')).toBe(8)
})

test('what a failed attempt to open is for is its own login alone', async () => {
  const pool = serverOf({ max: 1 })
  const broken = doorOf(() => Promise.reject(new Error('no such login')))
  const outcomes = await Promise.allSettled([pool.take(broken, 'a'), pool.take(doorOf(), 'b')])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
})

test('as many as min stay open when they are idle', async () => {
  const pool = poolOf({ max: 3, min: 1, idleTimeoutMs: 100 })
  const all = await Promise.all([pool.take('a'), pool.take('b'), pool.take('c')])
  for (const connection of all) pool.give(connection)
  await vi.advanceTimersByTimeAsync(300)
  expect(pool.counts.idle).toBe(1)
})

test('what leads nowhere any more is closed', async () => {
  const pool = serverOf({ max: 2 })
  const door = doorOf()
  const connection = await pool.take(door, 'a')
  pool.give(connection)
  pool.forget(door)
  expect([connection.ended, pool.counts.idle]).toEqual([true, 0])
})
