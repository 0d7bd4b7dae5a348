// Pools over connections that lead nowhere, for tests.
import { resolveOptions } from '../options.ts'
import type { PoolOptions } from '../options.ts'
import type { Door, Poolable } from './door.ts'
import { Pool } from './pool.ts'

export class FakeConnection implements Poolable {
  organization: string | null | undefined = undefined
  broken = false
  restedAtMs = 0
  ended = false
  destroy(): void {
    this.broken = true
  }
  end(): Promise<void> {
    this.ended = true
    return Promise.resolve()
  }
}

export type Open = () => Promise<FakeConnection>

export const doorOf = (open: Open = () => Promise.resolve(new FakeConnection())): Door<FakeConnection> => ({
  idle: [],
  open,
})

export function serverOf(pool: PoolOptions): Pool<FakeConnection> {
  const url = 'postgres://rowhouse_app@localhost/app'
  return new Pool(resolveOptions({ url, signingKey: 'k'.repeat(32), pool }, {}).pool)
}

/** A pool with one door. */
export function poolOf(options: PoolOptions, open?: Open) {
  const pool = serverOf(options)
  const door = doorOf(open)
  return {
    take: (organization: string | null) => pool.take(door, organization),
    tryTake: (organization: string | null) => pool.tryTake(door, organization),
    give: (connection: FakeConnection) => pool.give(connection),
    close: () => pool.close(),
    get counts() {
      return pool.counts
    },
  }
}
