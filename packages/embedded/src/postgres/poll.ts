// Waiting for something outside this process (a file, a pid), with a bound. Must not be used inside tests
// as a sleep: a condition is always named.
import { setTimeout as delay } from 'node:timers/promises'

export interface PollOptions {
  /** Gives up after this long. */
  readonly timeoutMs: number
  /** @default 15 */
  readonly intervalMs?: number
}

/** The first defined, non-false answer of `probe`, or undefined when the time is up. */
export async function pollUntil<T>(
  probe: () => Promise<T | undefined | false>,
  { timeoutMs, intervalMs = 15 }: PollOptions,
): Promise<T | undefined> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() >= end) return undefined
    await delay(intervalMs)
  }
}
