// How many connections lead through each door of a server, and how many may: one bound for all of them, and within it a
// connection for each door that is in use, however many another one asks for.
import type { Door } from './door.ts'

interface Use {
  /** Idle, busy or being opened. */
  count: number
  usedAtMs: number
  /** Until when the server is not asked for another: it has said that there are too many. */
  fullUntilMs: number
}

/** A door that was used within this time keeps a connection. */
export const RECENT_MS = 5_000

/** Between two attempts to open another connection where the server has said that there are too many. */
export const FULL_MS = 1_000

export class Uses<C> {
  readonly #max: () => number
  readonly #now: () => number
  readonly #uses = new Map<Door<C>, Use>()

  constructor(max: () => number, now: () => number) {
    this.#max = max
    this.#now = now
  }

  count(door: Door<C>): number {
    return this.#uses.get(door)?.count ?? 0
  }

  /** One is being opened. */
  add(door: Door<C>): void {
    const use = this.#uses.get(door)
    if (use === undefined) this.#uses.set(door, { count: 1, usedAtMs: this.#now(), fullUntilMs: 0 })
    else use.count += 1
  }

  remove(door: Door<C>): void {
    const use = this.#uses.get(door)
    if (use === undefined) return
    use.count -= 1
    if (use.count === 0) this.#uses.delete(door)
  }

  touch(door: Door<C>): void {
    const use = this.#uses.get(door)
    if (use !== undefined) use.usedAtMs = this.#now()
  }

  /** The server takes no more of this door for now. */
  noteFull(door: Door<C>): void {
    const use = this.#uses.get(door)
    if (use !== undefined) use.fullUntilMs = this.#now() + FULL_MS
  }

  /** Whether the door may have one more. */
  mayAdd(door: Door<C>): boolean {
    const use = this.#uses.get(door)
    return use === undefined || (use.fullUntilMs <= this.#now() && use.count < this.#roomOf(door))
  }

  /** Whether others have come since the door had room for so many. */
  isBeyondRoom(door: Door<C>): boolean {
    const count = this.count(door)
    return count > 1 && count > this.#roomOf(door)
  }

  #roomOf(door: Door<C>): number {
    if (this.#uses.size <= 1) return this.#max()
    const sinceMs = this.#now() - RECENT_MS
    let others = 0
    for (const [other, { usedAtMs }] of this.#uses) if (other !== door && usedAtMs > sinceMs) others += 1
    return Math.max(1, this.#max() - others)
  }
}
