// Counts of a rollout, and how long the rest will take.
import type { RolloutEvent } from './events.ts'

const EVERY_MS = 100

export interface Tally {
  readonly failed: number
  readonly blocked: number
  readonly done: number
  add(outcome: 'done' | 'failed' | 'blocked', homes: number): void
  /** More homes than were known at first. */
  grow(homes: number): void
  /** Says it now, however recently it was said. */
  tell(): void
}

export function makeTally(
  of: number,
  onEvent: (event: RolloutEvent) => void,
  now: () => number = () => performance.now(),
): Tally {
  const counts = { done: 0, failed: 0, blocked: 0 }
  const begun = now()
  let total = of
  let toldAt = Number.NEGATIVE_INFINITY
  const tell = (): void => {
    toldAt = now()
    const seconds = (now() - begun) / 1000
    const perSecond = seconds > 0 ? counts.done / seconds : 0
    const left = total - counts.done - counts.failed - counts.blocked
    onEvent({
      type: 'progress',
      ...counts,
      of: total,
      homesPerSecond: Number(perSecond.toFixed(1)),
      leftMs: counts.done === 0 ? null : Math.round((left / perSecond) * 1000),
    })
  }
  return {
    get failed() {
      return counts.failed
    },
    get blocked() {
      return counts.blocked
    },
    get done() {
      return counts.done
    },
    add(outcome, homes) {
      counts[outcome] += homes
      if (now() - toldAt >= EVERY_MS) tell()
    },
    grow(homes) {
      total += homes
    },
    tell,
  }
}
