// What a worker remembers between polls of a connection, only to save work: when it polled last, and which
// versions the overlap will show again. Losing it costs one repeated page.

import type { Direction } from '../home/marks.ts'

const RECENT_MAX = 20_000
const REVIVE_EVERY_MS = 1000
/**
 * Salesforce stamps versions to the second, so a version younger than this may still be given to a later edit.
 * One second of resolution and one of the measured clock's, and one to spare.
 */
export const VERSION_SETTLED_MS = 3000

interface Seen {
  readonly modifiedAt: string
  /** Read when no later edit could have the same version any more. */
  readonly settled: boolean
}

export class PollMemory {
  polledAtMs = Number.NEGATIVE_INFINITY
  repairLookedAtMs = Number.NEGATIVE_INFINITY
  rounds = 0
  /** What one page may have of an object whose records are large. */
  readonly pageSizes = new Map<string, number>()
  /** Which opening of the event stream was followed by a poll. */
  polledForOpens = 0
  /** Objects whose last sweep ended before its end: the next goes on at once. */
  readonly unfinished = new Set<string>()
  readonly #revivedAtMs = { outbound: Number.NEGATIVE_INFINITY, inbound: Number.NEGATIVE_INFINITY }
  readonly #recent = new Map<string, Seen>()

  /** Whether this version of the record was applied, and nothing else can have its stamp. */
  knows(object: string, id: string, modifiedAt: string): boolean {
    const seen = this.#recent.get(`${object}:${id}`)
    return seen?.modifiedAt === modifiedAt && seen.settled
  }

  /** Whether this version is seen for the first time. */
  isNew(object: string, id: string, modifiedAt: string): boolean {
    return this.#recent.get(`${object}:${id}`)?.modifiedAt !== modifiedAt
  }

  /** Whether parked records should be looked for that are due again; true at most once in REVIVE_EVERY_MS. */
  revivalIsDue(direction: Direction, nowMs: number): boolean {
    if (nowMs - this.#revivedAtMs[direction] < REVIVE_EVERY_MS) return false
    this.#revivedAtMs[direction] = nowMs
    return true
  }

  /** `readAtMs` on the provider's clock. */
  remember(object: string, id: string, modifiedAt: string, readAtMs: number): void {
    const key = `${object}:${id}`
    this.#recent.delete(key)
    this.#recent.set(key, { modifiedAt, settled: readAtMs - Date.parse(modifiedAt) > VERSION_SETTLED_MS })
    if (this.#recent.size <= RECENT_MAX) return
    const [oldest] = this.#recent.keys()
    if (oldest !== undefined) this.#recent.delete(oldest)
  }
}
