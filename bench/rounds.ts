// Runs variants side by side: every round runs each of them once, in an order that turns, so that whatever else the
// machine does falls on all alike. A ratio is taken within a round, and its median over the rounds is the result.

export interface Variant {
  readonly name: string
  /** One operation; it resolves when it is done. */
  readonly operation: () => Promise<unknown>
}

/** Operations a second, by variant, one number a round. */
export type Rounds = Readonly<Record<string, readonly number[]>>

export interface RoundOptions {
  readonly rounds: number
  readonly roundMs: number
  /** Operations under way at once. */
  readonly clients: number
}

/** Operations between two looks at the clock. */
const CHECK_EVERY = 8

async function measure({ operation }: Variant, clients: number, durationMs: number): Promise<number> {
  let done = 0
  const start = performance.now()
  const worker = async (): Promise<void> => {
    while (performance.now() - start < durationMs) {
      for (let count = 0; count < CHECK_EVERY; count += 1) {
        await operation()
        done += 1
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, worker))
  return done / ((performance.now() - start) / 1000)
}

/** The first round warms up and is thrown away. */
export async function runRounds(
  variants: readonly Variant[],
  { rounds, roundMs, clients }: RoundOptions,
): Promise<Rounds> {
  const measured: Record<string, number[]> = Object.fromEntries(variants.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(turn + round) % variants.length] as Variant
      const perSecond = await measure(variant, clients, roundMs)
      if (round > 0) measured[variant.name]?.push(perSecond)
    }
  }
  return measured
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Median of one variant's speed over another's, round by round. */
export function medianRatio(rounds: Rounds, name: string, over: string): number {
  return median((rounds[name] ?? []).map((value, round) => value / (rounds[over]?.[round] ?? Number.NaN)))
}
