// Durations as a person reads them. Milliseconds in, at most two units out.

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** `320 ms`, `1.4 s`, `2 min 5 s`, `3 h 10 min`, `4 d 2 h`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10 * SECOND_MS) return `${trimmed(ms / SECOND_MS)} s`
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`
  if (ms < HOUR_MS) return pair(ms, MINUTE_MS, 'min', SECOND_MS, 's')
  if (ms < DAY_MS) return pair(ms, HOUR_MS, 'h', MINUTE_MS, 'min')
  return pair(ms, DAY_MS, 'd', HOUR_MS, 'h')
}

/** A lag of 0 means that everything has arrived. */
export function formatLag(lagMs: number): string {
  return lagMs === 0 ? 'in step' : formatDuration(lagMs)
}

/** A duration with the word that belongs in a sentence: `every 5 minutes`. */
export function formatInterval(ms: number): string {
  if (ms < MINUTE_MS) return counted(Math.max(1, Math.round(ms / SECOND_MS)), 'second')
  if (ms < HOUR_MS) return counted(Math.round(ms / MINUTE_MS), 'minute')
  return counted(Math.round(ms / HOUR_MS), 'hour')
}

const counted = (count: number, unit: string): string => (count === 1 ? unit : `${count} ${unit}s`)
const trimmed = (value: number): string => (Math.floor(value * 10) / 10).toFixed(1).replace(/\.0$/, '')

function pair(ms: number, bigMs: number, big: string, smallMs: number, small: string): string {
  const rest = Math.floor((ms % bigMs) / smallMs)
  return rest === 0 ? `${Math.floor(ms / bigMs)} ${big}` : `${Math.floor(ms / bigMs)} ${big} ${rest} ${small}`
}
