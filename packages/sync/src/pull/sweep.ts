// One sweep of a poll, from an overlap before the last one's end to the newest record, over as many runs as it takes.
// Pure. Its state is in the cursor: a sweep that was cut off goes on at its last page, never from its beginning.
import type { PollPosition } from '@rowhouse/connectors'

/** The cursor: the furthest position seen, and the sweep under way where one was cut off. */
export interface StoredPosition extends PollPosition {
  readonly sweep?: { readonly at: PollPosition; readonly startedAt: string; readonly pages: number }
}

export interface Sweep {
  readonly at: PollPosition
  readonly furthest: PollPosition
  /** On the provider's clock, with its slack taken off. */
  readonly startedAt: string
  readonly pages: number
  /** Whether it goes on from an earlier run. */
  readonly resumed: boolean
}

/** The provider's clock is known to a second, the resolution of the Date header. */
const CLOCK_SLACK_MS = 2000

export function beginSweep(stored: StoredPosition, providerNowMs: number, overlapMs: number): Sweep {
  const furthest: PollPosition = { modifiedAt: stored.modifiedAt, id: stored.id }
  if (stored.sweep !== undefined) return { ...stored.sweep, furthest, resumed: true }
  const from = new Date(Date.parse(stored.modifiedAt) - overlapMs).toISOString()
  const startedAt = new Date(providerNowMs - CLOCK_SLACK_MS).toISOString()
  return { at: { modifiedAt: from, id: '' }, furthest, startedAt, pages: 0, resumed: false }
}

/** The sweep after a page that ended at `position`, and the cursor that says so. */
export function afterPage(
  sweep: Sweep,
  position: PollPosition,
  more: boolean,
): { sweep: Sweep; stored: StoredPosition } {
  const furthest = later(sweep.furthest, position)
  const next: Sweep = { ...sweep, at: position, furthest, pages: sweep.pages + 1 }
  if (more) {
    const { at, pages, startedAt } = next
    return { sweep: next, stored: { ...furthest, sweep: { at, startedAt, pages } } }
  }
  return { sweep: next, stored: endOf(next) }
}

/**
 * Where the next overlap is counted from. What became visible behind a sweep while it ran is younger than its
 * start, so never later than that. A sweep of many pages counts from its start also when nothing is as young:
 * otherwise a crowd of records within the overlap would be read again on every round.
 */
function endOf({ furthest, pages, startedAt }: Sweep): StoredPosition {
  const start: PollPosition = { modifiedAt: startedAt, id: '' }
  return pages > 1 || furthest.modifiedAt > startedAt ? start : furthest
}

const later = (a: PollPosition, b: PollPosition): PollPosition =>
  b.modifiedAt > a.modifiedAt || (b.modifiedAt === a.modifiedAt && b.id > a.id) ? b : a
