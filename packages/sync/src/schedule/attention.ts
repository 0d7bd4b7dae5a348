// Whether this worker wants to be told of every change. Being told makes the commits of writers wait for each other, which
// nobody notices at ten a second and everybody at ten thousand: who is told often asks by itself for a second, says so in the
// catalogue, and goes on doing so for as long as there is something each time.
import type { Pool } from 'pg'

/** Told more often than this within a second is too often: at a millisecond a commit, a tenth of the time. */
const TOLD_MAX = 100
const WINDOW_MS = 1000
/** How long writers tell nothing; more than the window, so that it is prolonged before it ends. */
const QUIET_MS = 1500

export class Attention {
  readonly #pool: Pool
  readonly #elapsed: () => number
  #windowEndMs = Number.NEGATIVE_INFINITY
  #quietEndMs = Number.NEGATIVE_INFINITY
  #told = 0
  #looks = 0
  #found = 0

  /** @param elapsed milliseconds on a clock that nobody sets */
  constructor(pool: Pool, elapsed: () => number) {
    this.#pool = pool
    this.#elapsed = elapsed
  }

  noteTold(): void {
    this.#told += 1
  }

  /** After each look; whether writers tell nothing now, so that the next look has to come soon. */
  async noteLooked(found: boolean): Promise<boolean> {
    this.#looks += 1
    if (found) this.#found += 1
    const isQuiet = this.#elapsed() < this.#quietEndMs
    if (this.#told <= TOLD_MAX && this.#elapsed() < this.#windowEndMs) return isQuiet
    // A window in which most looks found something would have been one of as many notifications.
    const isBusy = this.#told > TOLD_MAX || (isQuiet && this.#found * 2 > this.#looks)
    this.#windowEndMs = this.#elapsed() + WINDOW_MS
    this.#told = 0
    this.#looks = 0
    this.#found = 0
    if (!isBusy) return isQuiet
    await this.#pool.query(
      `update rowhouse.sync_attention
       set quiet_until = clock_timestamp() + $1 * interval '1 millisecond' where quiet_until <> 'infinity'`,
      [QUIET_MS],
    )
    // Counted from the answer on, so that the last look comes after writers tell again.
    this.#quietEndMs = this.#elapsed() + QUIET_MS
    return true
  }
}
