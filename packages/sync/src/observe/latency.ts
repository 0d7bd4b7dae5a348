// The last latencies of a connection, bounded, and their percentiles.

const SAMPLES_MAX = 256

export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

export class Latencies {
  readonly #samples: number[] = []
  #next = 0

  add(durationMs: number): void {
    this.#samples[this.#next] = Math.max(0, durationMs)
    this.#next = (this.#next + 1) % SAMPLES_MAX
  }

  /** Null before the first sample. */
  percentiles(): Percentiles | null {
    if (this.#samples.length === 0) return null
    const sorted = this.#samples.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99) }
  }
}
