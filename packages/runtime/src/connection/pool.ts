// The connections to one database server, whatever login and database each is for: one hard bound over all of them. An
// idle one is closed to make room for another login. Waiters are served organization by organization, and none holds more
// than its share. It knows nothing of what is done with a connection.
import { RowhouseError } from '@rowhouse/contracts'

import type { ResolvedPool } from '../options.ts'
import { Turns } from './turns.ts'

/** What the pool needs of a connection. */
export interface Poolable {
  organization: string | null | undefined
  readonly broken: boolean
  idleSweeps: number
  destroy(): void
  end(): Promise<void>
}

/** Where connections lead: one login in one database of the server. */
export interface Door<C> {
  /** Idle connections through this door, last used last; the pool's own. */
  readonly idle: C[]
  open(): Promise<C>
}

export interface Counts {
  readonly idle: number
  readonly busy: number
  readonly opening: number
  readonly waiting: number
}

interface Waiter<C> {
  readonly door: Door<C>
  readonly organization: string | null
  readonly share: number
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
  /** A connection is being opened on its behalf. */
  covered: boolean
}

interface Held<C> {
  readonly door: Door<C>
  readonly organization: string | null
}

/**
 * How often a connection may go to the next waiter of its own login while another login's turn has come. Closing one and
 * opening another takes a hundred times what a short query takes; without a bound the other would wait for ever.
 */
const TURNS_PER_LOGIN = 8

export class Pool<C extends Poolable> {
  readonly #options: ResolvedPool
  readonly #max: number
  readonly #doors = new Set<Door<C>>()
  readonly #busy = new Map<C, Held<C>>()
  readonly #held = new Map<string, number>()
  readonly #waiting = new Turns<Waiter<C>>()
  readonly #turns = new WeakMap<C, number>()
  readonly #goodbyes = new Set<Promise<void>>()
  #idleCount = 0
  #opening = 0
  #closing = 0
  #closed: Promise<void> | null = null
  #drained: (() => void) | null = null
  #sweeper: NodeJS.Timeout | null = null

  /** @param max of connections; what the server itself allows, where that is less than the options say */
  constructor(options: ResolvedPool, max: number = options.max) {
    this.#options = options
    this.#max = Math.min(max, options.max)
  }

  get counts(): Counts {
    return { idle: this.#idleCount, busy: this.#busy.size, opening: this.#opening, waiting: this.#waiting.size }
  }

  /**
   * An idle connection, now, or undefined: then `take` is the way.
   *
   * @param share most connections that the organization may hold
   */
  tryTake(door: Door<C>, organization: string | null, share: number = this.#options.organizationMax): C | undefined {
    if (this.#closed !== null || this.#waiting.has(organization)) return undefined
    if (!this.#isWithinShare(organization, share)) return undefined
    const connection = this.#pick(door, organization)
    if (connection !== undefined) this.#hand(connection, door, organization)
    return connection
  }

  /** @throws RowhouseError closed, pool_exhausted, or what opening a connection failed with */
  async take(door: Door<C>, organization: string | null, share: number = this.#options.organizationMax): Promise<C> {
    if (this.#closed !== null) throw new RowhouseError('closed')
    const idle = this.tryTake(door, organization, share)
    if (idle !== undefined) return idle
    if (this.#waiting.size >= this.#options.waitingMax) throw this.#exhausted(organization, share)
    return new Promise<C>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.remove(waiter)
        reject(this.#exhausted(organization, share))
      }, this.#options.acquireTimeoutMs)
      const waiter: Waiter<C> = { door, organization, share, resolve, reject, timer, covered: false }
      this.#waiting.add(waiter)
      this.#serve()
    })
  }

  /** Takes back a connection that is idle; a broken one is replaced where somebody waits. */
  give(connection: C): void {
    const held = this.#busy.get(connection)
    if (held === undefined) return
    this.#busy.delete(connection)
    this.#release(held.organization)
    if (connection.broken) connection.destroy()
    else if (this.#closed !== null) this.#goodbye(connection)
    else this.#rest(connection, held.door)
    this.#serve()
    this.#settleDrain()
  }

  /** Refuses what waits, lets what runs finish for `closeTimeoutMs`, then breaks it. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Closes what is idle behind a door that leads nowhere any more. */
  forget(door: Door<C>): void {
    for (const connection of this.#takeIdle(door)) this.#goodbye(connection)
  }

  async #close(): Promise<void> {
    if (this.#sweeper !== null) clearTimeout(this.#sweeper)
    for (const waiter of this.#waiting.takeAll()) {
      clearTimeout(waiter.timer)
      waiter.reject(new RowhouseError('closed'))
    }
    const doors = [...this.#doors]
    for (const door of doors) this.forget(door)
    if (this.#busy.size > 0 || this.#opening > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
        setTimeout(() => {
          for (const connection of this.#busy.keys()) connection.destroy()
          resolve()
        }, this.#options.closeTimeoutMs).unref()
      })
    }
    await Promise.all(this.#goodbyes)
  }

  #settleDrain(): void {
    if (this.#busy.size === 0 && this.#opening === 0) this.#drained?.()
  }

  /** Nobody's queries, such as a person's who has chosen no organization, have no share. */
  #isWithinShare(organization: string | null, share: number): boolean {
    return organization === null || (this.#held.get(organization) ?? 0) < share
  }

  #hand(connection: C, door: Door<C>, organization: string | null): void {
    this.#busy.set(connection, { door, organization })
    if (organization !== null) this.#held.set(organization, (this.#held.get(organization) ?? 0) + 1)
  }

  #release(organization: string | null): void {
    if (organization === null) return
    const held = (this.#held.get(organization) ?? 0) - 1
    if (held > 0) this.#held.set(organization, held)
    else this.#held.delete(organization)
  }

  /** An idle connection through this door; the one that last worked for the organization where there is one. */
  #pick(door: Door<C>, organization: string | null): C | undefined {
    const { idle } = door
    while (idle.length > 0) {
      let index = idle.length - 1
      while (index > 0 && idle[index]?.organization !== organization) index -= 1
      if (idle[index]?.organization !== organization) index = idle.length - 1
      const [connection] = idle.splice(index, 1)
      this.#idleCount -= 1
      if (idle.length === 0) this.#doors.delete(door)
      if (connection?.broken === false) return connection
    }
    return undefined
  }

  #takeIdle(door: Door<C>): C[] {
    const connections = door.idle.splice(0)
    this.#idleCount -= connections.length
    this.#doors.delete(door)
    return connections
  }

  #rest(connection: C, door: Door<C>): void {
    connection.idleSweeps = 0
    // Again at the end, so that the first door is the one that has not been used for longest.
    this.#doors.delete(door)
    this.#doors.add(door)
    door.idle.push(connection)
    this.#idleCount += 1
    this.#sweepLater()
  }

  /** Gives idle connections to those whose turn it is, and opens or makes room for those whose login has none. */
  #serve(): void {
    while (this.#closed === null) {
      const first = this.#waiting.peek((waiter) => this.#isWithinShare(waiter.organization, waiter.share))
      if (first === undefined) return
      const next = first.door.idle.length > 0 ? first : this.#beforeTurn(first)
      if (next !== undefined) {
        this.#handOut(next)
        continue
      }
      const uncovered = this.#uncovered()
      if (uncovered === undefined) return
      if (this.#total >= this.#max) {
        // One at a time: what is closing makes room in a moment, and then this runs again.
        if (this.#closing === 0) this.#evict()
        return
      }
      uncovered.covered = true
      this.#opening += 1
      void this.#openOne(uncovered.door)
    }
  }

  get #total(): number {
    return this.#opening + this.#closing + this.#busy.size + this.#idleCount
  }

  /** Somebody whose login has an idle connection, and who may go before the one whose turn it is and whose login has none. */
  #beforeTurn(first: Waiter<C>): Waiter<C> | undefined {
    const waiter = this.#waiting.peek(
      ({ door, organization, share }) => door.idle.length > 0 && this.#isWithinShare(organization, share),
    )
    const connection = waiter?.door.idle.at(-1)
    if (connection === undefined || first.covered || this.#total < this.#max) return waiter
    const turns = this.#turns.get(connection) ?? 0
    if (turns >= TURNS_PER_LOGIN) return undefined
    this.#turns.set(connection, turns + 1)
    return waiter
  }

  #handOut(waiter: Waiter<C>): void {
    const connection = this.#pick(waiter.door, waiter.organization)
    // All that were idle had broken.
    if (connection === undefined) return
    this.#waiting.serve(waiter)
    clearTimeout(waiter.timer)
    this.#hand(connection, waiter.door, waiter.organization)
    waiter.resolve(connection)
  }

  /** The next waiter that no connection is being opened for, and whose organization may hold one more than it will. */
  #uncovered(): Waiter<C> | undefined {
    for (const queue of this.#waiting.queues) {
      const waiter = queue.find(({ covered }) => !covered)
      if (waiter === undefined) continue
      if (waiter.organization === null) return waiter
      const promised = queue.filter(({ covered }) => covered).length
      if ((this.#held.get(waiter.organization) ?? 0) + promised < waiter.share) return waiter
    }
    return undefined
  }

  /** Closes the connection that was idle for longest. */
  #evict(): void {
    const [door] = this.#doors
    const connection = door?.idle.shift()
    if (door === undefined || connection === undefined) return
    this.#idleCount -= 1
    if (door.idle.length === 0) this.#doors.delete(door)
    this.#goodbye(connection)
  }

  #goodbye(connection: C): void {
    this.#closing += 1
    const ended = this.#end(connection)
    this.#goodbyes.add(ended)
    void ended.finally(() => this.#goodbyes.delete(ended))
  }

  async #end(connection: C): Promise<void> {
    try {
      await connection.end()
    } catch {
      // It is gone either way.
    }
    this.#closing -= 1
    this.#serve()
  }

  /** A failed attempt is told to one waiter of its door, so attempts end when nobody waits any more. */
  async #openOne(door: Door<C>): Promise<void> {
    try {
      const connection = await door.open()
      this.#opening -= 1
      if (this.#closed === null) this.#rest(connection, door)
      else this.#goodbye(connection)
    } catch (error) {
      this.#opening -= 1
      const waiter = [...this.#waiting.queues].flat().find((one) => one.door === door && one.covered)
      if (waiter !== undefined) {
        this.#waiting.remove(waiter)
        clearTimeout(waiter.timer)
        waiter.reject(error)
      }
    }
    this.#serve()
    this.#settleDrain()
  }

  /** Closes what sat idle through a whole sweep: after idleTimeoutMs, and before twice that. Keeps `min` open. */
  #sweepLater(): void {
    if (this.#sweeper !== null || this.#options.idleTimeoutMs === 0) return
    this.#sweeper = setTimeout(() => {
      this.#sweeper = null
      let spare = this.#idleCount + this.#busy.size - this.#options.min
      const doors = [...this.#doors]
      for (const door of doors) {
        for (const connection of this.#takeIdle(door)) {
          connection.idleSweeps += 1
          if (connection.broken || (connection.idleSweeps > 1 && spare > 0)) {
            spare -= 1
            this.#goodbye(connection)
          } else {
            this.#keepIdle(connection, door)
          }
        }
      }
      if (this.#idleCount > 0) this.#sweepLater()
    }, this.#options.idleTimeoutMs)
    this.#sweeper.unref()
  }

  #keepIdle(connection: C, door: Door<C>): void {
    door.idle.push(connection)
    this.#idleCount += 1
    this.#doors.add(door)
  }

  #exhausted(organization: string | null, share: number): RowhouseError {
    const { acquireTimeoutMs } = this.#options
    const details = { max: this.#max, acquireTimeoutMs, ...this.counts }
    if (!this.#isWithinShare(organization, share)) {
      return new RowhouseError(
        'pool_exhausted',
        `The organization holds its share of ${share} connections, and none became free within ${acquireTimeoutMs} ms.`,
        { details: { ...details, share } },
      )
    }
    return new RowhouseError(
      'pool_exhausted',
      `None of ${this.#max} connections became free within ${acquireTimeoutMs} ms.`,
      { details },
    )
  }
}
