import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { resolveOptions } from '../options.ts'
import type { PoolOptions } from '../options.ts'
import { Pool } from './pool.ts'
import type { Poolable } from './pool.ts'

class FakeConnection implements Poolable {
  organization: string | null | undefined = undefined
  broken = false
  idleSweeps = 0
  ended = false
  destroy(): void {
    this.broken = true
  }
  end(): Promise<void> {
    this.ended = true
    return Promise.resolve()
  }
}

function poolOf(
  pool: PoolOptions,
  open: () => Promise<FakeConnection> = () => Promise.resolve(new FakeConnection()),
): Pool<FakeConnection> {
  const url = 'postgres://rowhouse_app@localhost/app'
  return new Pool(resolveOptions({ url, signingKey: 'k'.repeat(32), pool }, {}).pool, open)
}

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
  await vi.advanceTimersByTimeAsync(100)
  const taken = pool.tryTake('a')
  expect(taken).toBe(kept)
  pool.give(kept)
  await vi.advanceTimersByTimeAsync(100)
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
