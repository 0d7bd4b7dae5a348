// Counts events in a sliding window: the shape of every request limit here. Owns the arithmetic only.

/** Counts in a window that slides with the clock; at most `max` arrivals are ever kept. */
export class SlidingWindow {
  readonly #arrivals: number[] = []
  readonly #durationMs: number
  readonly #max: number

  constructor(max: number, durationMs: number) {
    this.#max = max
    this.#durationMs = durationMs
  }

  /** Takes one place if there is one. A refused arrival does not count. */
  take(now: number): boolean {
    this.#slide(now)
    if (this.#arrivals.length >= this.#max) return false
    this.#arrivals.push(now)
    return true
  }

  used(now: number): number {
    this.#slide(now)
    return this.#arrivals.length
  }

  clear(): void {
    this.#arrivals.length = 0
  }

  #slide(now: number): void {
    let gone = 0
    while (gone < this.#arrivals.length && this.#arrivals[gone]! <= now - this.#durationMs) gone++
    if (gone > 0) this.#arrivals.splice(0, gone)
  }
}

/** Counts in 24 buckets of an hour: a day's quota without keeping a day's arrivals. */
export class DailyCount {
  readonly #hours = new Map<number, number>()

  used(now: number): number {
    const first = Math.floor(now / 3_600_000) - 23
    let total = 0
    for (const [hour, count] of this.#hours) {
      if (hour < first) this.#hours.delete(hour)
      else total += count
    }
    return total
  }

  add(now: number, count = 1): void {
    const hour = Math.floor(now / 3_600_000)
    this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + count)
  }

  clear(): void {
    this.#hours.clear()
  }
}
