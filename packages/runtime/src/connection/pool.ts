// The connections to one database server, whatever login and database each is for: one hard bound over all of them. An
// idle one is closed to make room for another login. Waiters are served organization by organization, and none holds more
// than its share. It knows nothing of what is done with a connection. Long because its rules are about the same few counts.
import { RowhouseError } from '@rowhouse/contracts'

import type { ResolvedPool } from '../options.ts'
import { Alarm } from './alarm.ts'
import type { Bounds, Counts, Door, Poolable } from './door.ts'
import { Idle } from './idle.ts'
import type { Resting } from './idle.ts'
import { isServerFull, refusalOf, tooManyWaiting } from './refusal.ts'
import type { Crowd } from './refusal.ts'
import { Turns } from './turns.ts'
import { FULL_MS, RECENT_MS, Uses } from './uses.ts'
import { crowdOf } from './waiter.ts'
import type { Held, Waiter } from './waiter.ts'

/**
 * How often a connection may go to the next waiter of its own login while another login's turn has come. Closing one and
 * opening another takes a hundred times what a short query takes; without a bound the other would wait for ever.
 */
const TURNS_PER_LOGIN = 8

export class Pool<C extends Poolable> {
  readonly #options: ResolvedPool
  #max: number
  readonly #now: () => number
  readonly #bounds: Bounds
  readonly #busy = new Map<C, Held<C>>()
  readonly #held = new Map<string, number>()
  readonly #waiting = new Turns<Waiter<C>>()
  readonly #turns = new WeakMap<C, number>()
  readonly #uses: Uses<C>
  readonly #idle = new Idle<C>((door) => this.#uses.remove(door))
  readonly #goodbyes = new Set<Promise<void>>()
  readonly #sweeper = new Alarm(() => this.#sweep())
  #opening = 0
  #closing = 0
  #closed: Promise<void> | null = null
  #drained: (() => void) | null = null

  /** @param now a clock that is never set, in milliseconds */
  constructor(options: ResolvedPool, now: () => number = () => performance.now()) {
    this.#options = options
    this.#max = options.max
    this.#now = now
    this.#uses = new Uses(() => this.#max, now)
    this.#bounds = { share: options.organizationMax, acquireTimeoutMs: options.acquireTimeoutMs }
  }

  get counts(): Counts {
    return { idle: this.#idle.count, busy: this.#busy.size, opening: this.#opening, waiting: this.#waiting.size }
  }

  /** Takes over what the server itself allows, where that is less than the options say; what is busy may end first. */
  bound(max: number | null): void {
    this.#max = Math.min(max ?? this.#options.max, this.#options.max)
    for (let first = this.#idle.first(); first !== undefined && this.#total - this.#closing > this.#max;) {
      this.#idle.take(first)
      this.#goodbye(first.connection, first.door)
      first = this.#idle.first()
    }
    this.#serve()
  }

  /** Connections that an organization holds now. */
  heldBy(organization: string): number {
    return this.#held.get(organization) ?? 0
  }

  /** An idle connection, now, or undefined: then `take` is the way. */
  tryTake(door: Door<C>, organization: string | null, bounds: Bounds = this.#bounds): C | undefined {
    if (this.#closed !== null || this.#waiting.has(organization)) return undefined
    if (!this.#isWithinShare(organization, bounds)) return undefined
    const connection = this.#idle.pick(door, organization)
    if (connection !== undefined) this.#hand(connection, door, organization)
    return connection
  }

  /**
   * @throws RowhouseError closed; organization_busy (for too long it has held all it may), too_many_waiting (as many of its own
   * wait as may, or most of all that wait are its own), pool_exhausted, or what opening a connection failed with
   */
  async take(door: Door<C>, organization: string | null, bounds: Bounds = this.#bounds): Promise<C> {
    if (this.#closed !== null) throw new RowhouseError('closed')
    const idle = this.tryTake(door, organization, bounds)
    if (idle !== undefined) return idle
    if (this.#waiting.size >= this.#options.waitingMax) this.#turnAway(organization, bounds)
    const own = this.#waiting.of(organization)
    if (organization !== null && own.length >= this.#options.organizationWaitingMax)
      throw tooManyWaiting(organization, bounds, this.counts, crowdOf(own, this.#now()))
    return new Promise<C>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.remove(waiter)
        reject(this.#exhausted(organization, bounds))
      }, bounds.acquireTimeoutMs)
      const waiter: Waiter<C> = {
        door,
        organization,
        bounds,
        resolve,
        reject,
        timer,
        sinceMs: this.#now(),
        covered: false,
      }
      this.#waiting.add(waiter)
      this.#serve()
    })
  }

  /**
   * Opens a connection that nobody waits for, where there is room, and lets it rest behind its door. Whoever waits and may have
   * one more has it by now, or there would be no room.
   *
   * @param prepare what is done with it first
   * @returns whether it is there
   */
  async warm(door: Door<C>, prepare: (connection: C) => Promise<void>): Promise<boolean> {
    if (this.#closed !== null || this.#total >= this.#max || !this.#uses.mayAdd(door)) return false
    this.#opening += 1
    this.#uses.add(door)
    let connection: C | null = null
    try {
      connection = await door.open()
      await prepare(connection)
    } catch {
      connection?.destroy()
    }
    this.#opening -= 1
    const isThere = connection !== null && !connection.broken
    if (!isThere) this.#uses.remove(door)
    else if (this.#closed === null) this.#rest(connection as C, door)
    else this.#goodbye(connection as C, door)
    this.#serve()
    this.#settleDrain()
    return isThere
  }

  /** Takes back a connection that is idle; a broken one is replaced where somebody waits. */
  give(connection: C): void {
    const held = this.#busy.get(connection)
    if (held === undefined) return
    const { door, organization } = held
    this.#busy.delete(connection)
    this.#release(organization)
    if (connection.broken) {
      connection.destroy()
      this.#uses.remove(door)
    } else if (this.#closed !== null || this.#isSurplus(door)) {
      this.#goodbye(connection, door)
    } else {
      this.#rest(connection, door)
    }
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
    for (const connection of this.#idle.takeAll(door)) this.#goodbye(connection, door)
  }

  async #close(): Promise<void> {
    this.#sweeper.clear()
    for (const waiter of this.#waiting.takeAll()) {
      clearTimeout(waiter.timer)
      waiter.reject(new RowhouseError('closed'))
    }
    for (const door of this.#idle.doors) this.forget(door)
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
  #isWithinShare(organization: string | null, { share }: Bounds): boolean {
    return organization === null || this.heldBy(organization) < share
  }

  #hand(connection: C, door: Door<C>, organization: string | null): void {
    this.#busy.set(connection, { door, organization })
    if (organization !== null) this.#held.set(organization, this.heldBy(organization) + 1)
    this.#uses.touch(door)
  }

  #release(organization: string | null): void {
    if (organization === null) return
    const held = this.heldBy(organization) - 1
    if (held > 0) this.#held.set(organization, held)
    else this.#held.delete(organization)
  }

  #rest(connection: C, door: Door<C>): void {
    connection.restedAtMs = this.#now()
    this.#uses.touch(door)
    this.#idle.put(door, connection)
    this.#sweeper.set(this.#idleTimeoutOf(door))
  }

  /** Whether one that comes to rest is one too many: the bound is lower by now, or others have come. */
  #isSurplus(door: Door<C>): boolean {
    const others = this.#total - this.#closing
    return others >= this.#max || (others + 1 === this.#max && this.#uses.isBeyondRoom(door))
  }

  /** Gives idle connections to those whose turn it is, and opens or makes room for those whose login has none. */
  #serve(): void {
    while (this.#closed === null) {
      const first = this.#waiting.peek(({ organization, bounds }) => this.#isWithinShare(organization, bounds))
      if (first === undefined) return
      const next = first.door.idle.length > 0 ? first : this.#beforeTurn(first)
      if (next !== undefined) {
        this.#handOut(next)
        continue
      }
      const uncovered = this.#uncovered()
      if (uncovered !== undefined && this.#total < this.#max) {
        uncovered.covered = true
        this.#opening += 1
        void this.#openOne(uncovered.door)
        continue
      }
      if (uncovered !== undefined) {
        // One at a time: what is closing makes room in a moment, and then this runs again.
        if (this.#closing === 0) this.#makeRoom(uncovered.door)
        return
      }
      // There is no room to be made for those whose turn it is, so nobody else waits for it.
      const other = this.#connected()
      if (other === undefined) return
      this.#handOut(other)
    }
  }

  get #total(): number {
    return this.#opening + this.#closing + this.#busy.size + this.#idle.count
  }

  /** Somebody whose login has an idle connection, and who may go before the one whose turn it is and whose login has none. */
  #beforeTurn(first: Waiter<C>): Waiter<C> | undefined {
    const waiter = this.#connected()
    const connection = waiter?.door.idle.at(-1)
    if (connection === undefined || first.covered || this.#total < this.#max) return waiter
    const turns = this.#turns.get(connection) ?? 0
    if (turns >= TURNS_PER_LOGIN) return undefined
    this.#turns.set(connection, turns + 1)
    return waiter
  }

  #connected(): Waiter<C> | undefined {
    return this.#waiting.peek(
      ({ door, organization, bounds }) => door.idle.length > 0 && this.#isWithinShare(organization, bounds),
    )
  }

  #handOut(waiter: Waiter<C>): void {
    const connection = this.#idle.pick(waiter.door, waiter.organization)
    // All that were idle had broken.
    if (connection === undefined) return
    this.#waiting.serve(waiter)
    clearTimeout(waiter.timer)
    this.#hand(connection, waiter.door, waiter.organization)
    waiter.resolve(connection)
  }

  /**
   * The next waiter that no connection is being opened for, whose organization may hold one more than it will, and for whose
   * door there is room or can be.
   */
  #uncovered(): Waiter<C> | undefined {
    const isFull = this.#total >= this.#max && this.#closing === 0
    for (const queue of this.#waiting.queues) {
      // Those that one is being opened for are the first ones.
      const promised = queue.findIndex(({ covered }) => !covered)
      const waiter = queue[promised]
      if (waiter === undefined || !this.#uses.mayAdd(waiter.door)) continue
      const { organization, bounds, door } = waiter
      if (organization !== null && this.heldBy(organization) + promised >= bounds.share) continue
      if (!isFull || this.#spare(door) !== undefined) return waiter
    }
    return undefined
  }

  #makeRoom(door: Door<C>): void {
    const spare = this.#spare(door)
    if (spare === undefined) return
    this.#idle.take(spare)
    this.#goodbye(spare.connection, spare.door)
  }

  /**
   * A connection that rests and is to be closed for a door that needs one: one that nobody has used lately; else of a door
   * that has more than its room, or more than this one would then have; else, where this one has none, any.
   */
  #spare(door: Door<C>): Resting<C> | undefined {
    const first = this.#idle.first()
    if (first === undefined || this.#now() - first.connection.restedAtMs >= RECENT_MS) return first
    const count = this.#uses.count(door)
    for (const other of this.#idle.doors) {
      const [connection] = other.idle
      const isRicher = this.#uses.count(other) > count + 1 || this.#uses.isBeyondRoom(other)
      if (connection !== undefined && other !== door && isRicher) return { door: other, connection }
    }
    return count === 0 ? first : undefined
  }

  #goodbye(connection: C, door: Door<C>): void {
    this.#uses.remove(door)
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
    this.#uses.add(door)
    try {
      const connection = await door.open()
      this.#opening -= 1
      if (this.#closed === null) this.#rest(connection, door)
      else this.#goodbye(connection, door)
    } catch (error) {
      this.#opening -= 1
      this.#uses.remove(door)
      const waiter = [...this.#waiting.queues].flat().find((one) => one.door === door && one.covered)
      if (waiter !== undefined && this.#isWorthWaiting(error, door)) waiter.covered = false
      else if (waiter !== undefined) this.#refuse(waiter, error)
    }
    this.#serve()
    this.#settleDrain()
  }

  /** The server takes no more of this login, and one that is there already will come back. */
  #isWorthWaiting(error: unknown, door: Door<C>): boolean {
    if (!isServerFull(error) || this.#uses.count(door) === 0) return false
    this.#uses.noteFull(door)
    setTimeout(() => this.#serve(), FULL_MS).unref()
    return true
  }

  /** Closes what rested for its time. Keeps as many open as the server, or the door, is to keep. */
  #sweep(): void {
    const nowMs = this.#now()
    let spare = this.#idle.count + this.#busy.size - this.#options.min
    for (const door of this.#idle.doors) {
      const timeoutMs = this.#idleTimeoutOf(door)
      for (const connection of door.idle.slice()) {
        const isOver = timeoutMs > 0 && nowMs - connection.restedAtMs >= timeoutMs
        if (!connection.broken && (!isOver || spare <= 0 || this.#uses.count(door) <= (door.min ?? 0))) continue
        spare -= 1
        this.#idle.take({ door, connection })
        this.#goodbye(connection, door)
      }
    }
    for (const door of this.#idle.doors) this.#sweeper.set(this.#idleTimeoutOf(door))
  }

  #idleTimeoutOf({ idleTimeoutMs }: Door<C>): number {
    return idleTimeoutMs ?? this.#options.idleTimeoutMs
  }

  #refuse(waiter: Waiter<C>, error: unknown): void {
    this.#waiting.remove(waiter)
    clearTimeout(waiter.timer)
    waiter.reject(error)
  }

  /**
   * Makes place for one more to wait: the last of the organization that has most waiting is refused, which is the one who
   * comes where that is its own.
   */
  #turnAway(organization: string | null, bounds: Bounds): void {
    const crowd = this.#waiting.longest
    const last = crowd.at(-1)
    if (last === undefined) throw this.#exhausted(organization, bounds)
    if (last.organization === organization) throw this.#exhausted(organization, bounds, crowdOf(crowd, this.#now()))
    this.#refuse(last, this.#exhausted(last.organization, last.bounds, crowdOf(crowd, this.#now())))
  }

  #exhausted(organization: string | null, bounds: Bounds, crowd?: Crowd): RowhouseError {
    const held = organization === null ? 0 : this.heldBy(organization)
    return refusalOf({
      organization,
      bounds,
      held,
      max: this.#max,
      counts: this.counts,
      ...(crowd !== undefined && { crowd }),
    })
  }
}
