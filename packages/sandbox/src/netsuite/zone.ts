// The company's time zone: SuiteQL and record filters speak its wall clock, REST records speak UTC. Owns
// the arithmetic, with one look at the zone's rules an hour of time, because a query asks a row at a time.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157909186990.html

const hourMs = 3_600_000

export class Zone {
  readonly #format: Intl.DateTimeFormat
  readonly #offsets = new Map<number, number>()

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  }

  /** An instant as wall clock: a date whose UTC fields are the zone's. */
  toWall(instant: number): number {
    return instant + this.#offset(instant)
  }

  /** The instant a wall clock shows; of a time that a clock shows twice, the first. */
  fromWall(wall: number): number {
    const guess = wall - this.#offset(wall)
    const earlier = wall - this.#offset(guess - hourMs)
    if (this.toWall(earlier) === wall) return earlier
    return wall - this.#offset(guess)
  }

  #offset(instant: number): number {
    const hour = Math.floor(instant / hourMs)
    const known = this.#offsets.get(hour)
    if (known !== undefined) return known
    const parts = Object.fromEntries(
      this.#format.formatToParts(hour * hourMs).map(({ type, value }) => [type, Number(value)]),
    )
    const wall = Date.UTC(
      parts['year']!,
      parts['month']! - 1,
      parts['day'],
      parts['hour'],
      parts['minute'],
      parts['second'],
    )
    const offset = wall - hour * hourMs
    // A hundred thousand hours are eleven years: enough to keep, and a bound.
    if (this.#offsets.size > 100_000) this.#offsets.clear()
    this.#offsets.set(hour, offset)
    return offset
  }
}

/** M/D/YYYY, NetSuite's default date format. */
export function formatDate(wall: number): string {
  const date = new Date(wall)
  return `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()}`
}

/** A wall clock from M/D/YYYY and, if it is there, h:mm am; undefined when the text is none. */
export function parseWall(text: string): number | undefined {
  const match = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([ap]m)?)?$/i.exec(text.trim())
  if (!match) return undefined
  const [, month, day, year, hour = '0', minute = '0', second = '0', half] = match
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), hours, Number(minute), Number(second))
  return new Date(wall).getUTCMonth() === Number(month) - 1 ? wall : undefined
}
