// Instants, relative and exact. The present is passed in.
import { formatDuration } from './duration.ts'

const exact = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

const NOW_MS = 2000
const DAYS_SHOWN_MS = 30 * 24 * 3600 * 1000

/** `now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`, then the day. One unit only. */
export function formatAgo(at: string, nowMs: number): string {
  const ageMs = nowMs - Date.parse(at)
  if (ageMs < NOW_MS) return 'now'
  if (ageMs > DAYS_SHOWN_MS) return formatDay(at)
  return `${formatDuration(ageMs).split(' ').slice(0, 2).join(' ').replace(/\.\d/, '')} ago`
}

export const formatExact = (at: string): string => exact.format(new Date(at))
export const formatClock = (at: string): string => clock.format(new Date(at))
export const formatDay = (at: string): string => day.format(new Date(at))
