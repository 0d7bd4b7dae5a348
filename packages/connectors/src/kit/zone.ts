// Days and instants in a time zone, for providers that keep a day as the instant it begins at somewhere. Pure.
// Clocks change, also at midnight in some zones, so an offset is asked of the very instant.

const hourMs = 3_600_000
const formatters = new Map<string, Intl.DateTimeFormat | null>()

/** The day an instant falls on in a zone, YYYY-MM-DD; in UTC where the zone is unknown. */
export function dayIn(timeZone: string, instantMs: number): string {
  const format = formatterOf(timeZone)
  if (format === null) return new Date(instantMs).toISOString().slice(0, 10)
  const parts = new Map(format.formatToParts(instantMs).map(({ type, value }) => [type, value]))
  return `${parts.get('year')?.padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`
}

/** The first instant of a day in a zone, in epoch milliseconds. */
export function beginningOf(timeZone: string, day: string): number {
  const utcMs = Date.parse(`${day}T00:00:00.000Z`)
  // Every zone is within 14 hours of UTC; offsets are multiples of a quarter of an hour.
  for (let ms = utcMs - 14 * hourMs; ms <= utcMs + 14 * hourMs; ms += hourMs / 4) {
    if (dayIn(timeZone, ms) === day) return ms
  }
  return utcMs
}

function formatterOf(timeZone: string): Intl.DateTimeFormat | null {
  const known = formatters.get(timeZone)
  if (known !== undefined) return known
  let made: Intl.DateTimeFormat | null = null
  try {
    made = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  } catch {
    // A name that this machine does not know: UTC is at most a day off, and the same every time.
  }
  formatters.set(timeZone, made)
  return made
}
