// The series behind the charts: what the connection said since the page was opened, and what the
// changes themselves tell (how long each took, how many there were). Pure and bounded.
import type { ActivityItem, Connection } from '@rowhouse/contracts'

/** Samples kept; at one a second, ten minutes. */
export const SAMPLES_MAX = 600
/** Width of one bar of the volume chart. */
export const BIN_MS = 10_000

export interface Sample {
  readonly atMs: number
  readonly lagMs: number
  readonly outboundMs: number | null
  readonly inboundMs: number | null
}

/** A new array with the sample at its end. One within the same second as the last replaces it. */
export function withSample(samples: readonly Sample[], connection: Connection, atMs: number): readonly Sample[] {
  const sample: Sample = {
    atMs,
    lagMs: connection.lagMs,
    outboundMs: connection.latencyMs.outbound?.p50 ?? null,
    inboundMs: connection.latencyMs.inbound?.p50 ?? null,
  }
  const last = samples.at(-1)
  if (last !== undefined && atMs < last.atMs) return samples
  const kept =
    last !== undefined && Math.floor(last.atMs / 1000) === Math.floor(atMs / 1000) ? samples.slice(0, -1) : samples
  return [...kept.slice(1 - SAMPLES_MAX), sample]
}

/** Time from the change to the other side, per delivered change, oldest first. */
export function deliveryTimes(items: readonly ActivityItem[], sinceMs: number): { atMs: number; durationMs: number }[] {
  return items
    .flatMap(({ at, deliveredAt, direction }) =>
      direction === 'outbound' && deliveredAt !== null
        ? [{ atMs: Date.parse(at), durationMs: Math.max(0, Date.parse(deliveredAt) - Date.parse(at)) }]
        : [],
    )
    .filter(({ atMs }) => atMs >= sinceMs)
    .sort((a, b) => a.atMs - b.atMs)
}

/** Synced changes per bin in both directions, every bin of the span, oldest first. */
export function volume(
  items: readonly ActivityItem[],
  fromMs: number,
  toMs: number,
): { atMs: number; outbound: number; inbound: number }[] {
  const first = Math.floor(fromMs / BIN_MS)
  const bins = Array.from({ length: Math.max(1, Math.floor(toMs / BIN_MS) - first + 1) }, (_, index) => ({
    atMs: (first + index) * BIN_MS,
    outbound: 0,
    inbound: 0,
  }))
  for (const { at, direction } of items) {
    const bin = bins[Math.floor(Date.parse(at) / BIN_MS) - first]
    if (bin === undefined) continue
    if (direction === 'inbound') bin.inbound += 1
    else if (direction === 'outbound') bin.outbound += 1
  }
  return bins
}
