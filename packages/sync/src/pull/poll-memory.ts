// What a worker remembers between polls of a connection, only to save work: when it polled last, and which
// versions the overlap will show again. Losing it costs one repeated page.

const RECENT_MAX = 20_000
const REVIVE_EVERY_MS = 1000

export class PollMemory {
  polledAtMs = Number.NEGATIVE_INFINITY
  rounds = 0
  #revivedAtMs = Number.NEGATIVE_INFINITY
  readonly #recent = new Map<string, string>()

  /** Whether this version of the record was applied a moment ago. */
  knows(object: string, id: string, modifiedAt: string): boolean {
    return this.#recent.get(`${object}:${id}`) === modifiedAt
  }

  /** Whether parked records should be looked for that are due again; true at most once in REVIVE_EVERY_MS. */
  revivalIsDue(nowMs: number): boolean {
    if (nowMs - this.#revivedAtMs < REVIVE_EVERY_MS) return false
    this.#revivedAtMs = nowMs
    return true
  }

  remember(object: string, id: string, modifiedAt: string): void {
    const key = `${object}:${id}`
    this.#recent.delete(key)
    this.#recent.set(key, modifiedAt)
    if (this.#recent.size <= RECENT_MAX) return
    const [oldest] = this.#recent.keys()
    if (oldest !== undefined) this.#recent.delete(oldest)
  }
}
