// Hands connections out and takes them back. It prefers the one that last worked for the same organization, serves
// waiters in order, and never holds more than its bounds. It knows nothing of what is done with a connection.
import { RowhouseError } from '@rowhouse/contracts'

import type { ResolvedPool } from '../options.ts'

/** What the pool needs of a connection. */
export interface Poolable {
  organization: string | null | undefined
  readonly broken: boolean
  idleSweeps: number
  destroy(): void
  end(): Promise<void>
}

interface Waiter<C> {
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

export class Pool<C extends Poolable> {
  readonly #options: ResolvedPool
  readonly #open: () => Promise<C>
  readonly #idle: C[] = []
  readonly #busy = new Set<C>()
  readonly #waiting: Waiter<C>[] = []
  #opening = 0
  readonly #goodbyes: Promise<void>[] = []
  #closed: Promise<void> | null = null
  #drained: (() => void) | null = null
  #sweeper: NodeJS.Timeout | null = null

  constructor(options: ResolvedPool, open: () => Promise<C>) {
    this.#options = options
    this.#open = open
  }

  get counts(): { readonly idle: number; readonly busy: number; readonly opening: number; readonly waiting: number } {
    return { idle: this.#idle.length, busy: this.#busy.size, opening: this.#opening, waiting: this.#waiting.length }
  }

  /** An idle connection, now, or undefined: then `take` is the way. */
  tryTake(organization: string | null): C | undefined {
    if (this.#closed !== null || this.#waiting.length > 0) return undefined
    for (;;) {
      const connection = this.#pick(organization)
      if (connection === undefined || !connection.broken) {
        if (connection !== undefined) this.#busy.add(connection)
        return connection
      }
    }
  }

  /** @throws RowhouseError closed, pool_exhausted, or what opening a connection failed with */
  async take(organization: string | null): Promise<C> {
    if (this.#closed !== null) throw new RowhouseError('closed')
    const idle = this.tryTake(organization)
    if (idle !== undefined) return idle
    if (this.#waiting.length >= this.#options.waitingMax) throw this.#exhausted()
    return new Promise<C>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(this.#exhausted())
      }, this.#options.acquireTimeoutMs)
      const waiter: Waiter<C> = { resolve, reject, timer }
      this.#waiting.push(waiter)
      this.#grow()
    })
  }

  /** Takes back a connection that is idle; a broken one is replaced where somebody waits. */
  give(connection: C): void {
    this.#busy.delete(connection)
    if (connection.broken) {
      connection.destroy()
      this.#grow()
    } else if (this.#closed !== null) {
      this.#goodbyes.push(connection.end())
    } else {
      const waiter = this.#waiting.shift()
      if (waiter === undefined) {
        connection.idleSweeps = 0
        this.#idle.push(connection)
        this.#sweepLater()
      } else {
        clearTimeout(waiter.timer)
        this.#busy.add(connection)
        waiter.resolve(connection)
      }
    }
    this.#settleDrain()
  }

  /** Refuses what waits, lets what runs finish for `closeTimeoutMs`, then breaks it. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (this.#sweeper !== null) clearTimeout(this.#sweeper)
    for (const waiter of this.#waiting.splice(0)) {
      clearTimeout(waiter.timer)
      waiter.reject(new RowhouseError('closed'))
    }
    this.#goodbyes.push(...this.#idle.splice(0).map((connection) => connection.end()))
    if (this.#busy.size > 0 || this.#opening > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
        setTimeout(() => {
          for (const connection of this.#busy) connection.destroy()
          resolve()
        }, this.#options.closeTimeoutMs).unref()
      })
    }
    await Promise.all(this.#goodbyes)
  }

  #settleDrain(): void {
    if (this.#busy.size === 0 && this.#opening === 0) this.#drained?.()
  }

  #pick(organization: string | null): C | undefined {
    const idle = this.#idle
    const last = idle.length - 1
    if (last < 0) return undefined
    for (let index = last; index >= 0; index -= 1) {
      if (idle[index]?.organization === organization) return idle.splice(index, 1)[0]
    }
    return idle.pop()
  }

  #grow(): void {
    const { max } = this.#options
    while (this.#opening < this.#waiting.length && this.#opening + this.#busy.size + this.#idle.length < max) {
      this.#opening += 1
      void this.#openOne()
    }
  }

  /** A failed attempt is told to one waiter, so attempts end when nobody waits any more. */
  async #openOne(): Promise<void> {
    try {
      const connection = await this.#open()
      this.#opening -= 1
      this.#busy.add(connection)
      this.give(connection)
    } catch (error) {
      this.#opening -= 1
      const waiter = this.#waiting.shift()
      if (waiter !== undefined) {
        clearTimeout(waiter.timer)
        waiter.reject(error)
      }
      this.#grow()
      this.#settleDrain()
    }
  }

  /** Closes what sat idle through a whole sweep: after idleTimeoutMs, and before twice that. */
  #sweepLater(): void {
    if (this.#sweeper !== null || this.#options.idleTimeoutMs === 0) return
    this.#sweeper = setTimeout(() => {
      this.#sweeper = null
      for (const connection of this.#idle.splice(0)) {
        connection.idleSweeps += 1
        if (connection.idleSweeps > 1 || connection.broken) void connection.end()
        else this.#idle.push(connection)
      }
      if (this.#idle.length > 0) this.#sweepLater()
    }, this.#options.idleTimeoutMs)
    this.#sweeper.unref()
  }

  #exhausted(): RowhouseError {
    const { max, acquireTimeoutMs } = this.#options
    return new RowhouseError(
      'pool_exhausted',
      `None of ${max} connections became free within ${acquireTimeoutMs} ms.`,
      {
        details: { max, acquireTimeoutMs, ...this.counts },
      },
    )
  }
}
