// Unwrapped data keys, in memory only: a bounded number for a bounded time, overwritten when they leave. Whoever takes one
// uses it before the next await, so that none is overwritten in use.

export interface KeyCacheOptions {
  /** More keys than this push out the one that was used longest ago. @default 1000 */
  readonly keysMax?: number
  /** How long a key is kept, whether or not it is used. @default 300000 */
  readonly lifetimeMs?: number
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

interface Entry {
  readonly key: Buffer
  readonly endsMs: number
}

export class KeyCache {
  readonly #entries = new Map<string, Entry>()
  readonly #keysMax: number
  readonly #lifetimeMs: number
  readonly #now: () => number
  #timer: NodeJS.Timeout | null = null

  constructor({ keysMax = 1000, lifetimeMs = 300_000, now = Date.now }: KeyCacheOptions = {}) {
    this.#keysMax = keysMax
    this.#lifetimeMs = lifetimeMs
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  /** The key of an id, unwrapped by `unwrap` when it is not here. */
  take(id: string, unwrap: () => Buffer): Buffer {
    this.sweep()
    const known = this.#entries.get(id)
    const entry = known ?? { key: unwrap(), endsMs: this.#now() + this.#lifetimeMs }
    // The end of the map is what was used last.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= this.#keysMax) break
      this.drop(oldest)
    }
    this.#timer ??= setInterval(() => this.sweep(), this.#lifetimeMs).unref()
    return entry.key
  }

  /** Overwrites what is past its time. */
  sweep(): void {
    for (const [id, { endsMs }] of this.#entries) if (endsMs <= this.#now()) this.drop(id)
  }

  drop(id: string): void {
    this.#entries.get(id)?.key.fill(0)
    this.#entries.delete(id)
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    for (const id of this.#entries.keys()) this.drop(id)
  }
}
