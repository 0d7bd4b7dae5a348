// The account's time zone, found from evidence. SuiteQL speaks the wall clock of a zone that no endpoint names,
// and REST speaks UTC: an instant that is known in both leaves few zones, and where those agree nothing more is
// asked. Rejected: an offset alone (a row of last summer would be an hour off, and a version must never change
// with the season it is read in), and asking a person (who would answer for the wrong one of two zones).
// Owns the arithmetic of wall clocks; must not call anything.

/** The zones an account or a user of NetSuite can choose. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_4388844962.html */
const zoneNames = `
Etc/GMT+12 Pacific/Pago_Pago Pacific/Honolulu America/Anchorage America/Los_Angeles America/Tijuana America/Denver
America/Phoenix America/Chihuahua America/Chicago America/Regina America/Guatemala America/Mexico_City
America/New_York America/Indiana/Indianapolis America/Bogota America/Caracas America/Halifax America/La_Paz
America/Manaus America/Santiago America/St_Johns America/Sao_Paulo America/Argentina/Buenos_Aires Etc/GMT+3
America/Nuuk America/Montevideo America/Noronha Etc/GMT+1 Atlantic/Azores Europe/London Etc/UTC
Atlantic/Reykjavik Europe/Warsaw Europe/Paris Etc/GMT-1 Europe/Amsterdam Europe/Budapest Africa/Cairo
Europe/Istanbul Asia/Jerusalem Asia/Amman Asia/Beirut Africa/Johannesburg Europe/Kyiv Europe/Minsk Africa/Windhoek
Asia/Riyadh Europe/Moscow Asia/Baghdad Africa/Nairobi Asia/Tehran Asia/Muscat Asia/Baku Asia/Yerevan Etc/GMT-3
Asia/Kabul Asia/Karachi Asia/Yekaterinburg Asia/Tashkent Asia/Kolkata Asia/Kathmandu Asia/Almaty Asia/Dhaka
Asia/Yangon Asia/Bangkok Asia/Krasnoyarsk Asia/Hong_Kong Asia/Kuala_Lumpur Asia/Taipei Australia/Perth
Asia/Irkutsk Asia/Manila Asia/Seoul Asia/Tokyo Asia/Yakutsk Australia/Darwin Australia/Adelaide Australia/Sydney
Australia/Brisbane Australia/Hobart Pacific/Guam Asia/Vladivostok Asia/Magadan Pacific/Kwajalein Pacific/Auckland
Pacific/Tongatapu`
  .trim()
  .split(/\s+/)

const minuteMs = 60_000
const quarterMs = 15 * minuteMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** Clocks are put back by less than this, so what comes later shows a later time. */
const soonMs = 3 * hourMs
/** Offsets kept; all that a backfill of ten years asks for in a few zones, and a bound. */
const keptMax = 200_000

const formats = new Map<string, Intl.DateTimeFormat>()
const kept = new Map<string, number>()

/** Milliseconds a zone is ahead of UTC at an instant. Offsets change on quarters of an hour only. */
export function offsetAt(zone: string, instant: number): number {
  const quarter = Math.floor(instant / quarterMs)
  const key = `${zone} ${quarter}`
  const known = kept.get(key)
  if (known !== undefined) return known
  const format = formats.get(zone) ?? formatOf(zone)
  formats.set(zone, format)
  const parts = Object.fromEntries(
    format.formatToParts(quarter * quarterMs).map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter * quarterMs
  if (kept.size >= keptMax) kept.clear()
  kept.set(key, offset)
  return offset
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const two = '2-digit'
  return new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
  })
}

/** The instants at which a zone's clocks show a time, in order: two in the hour that comes twice, and for a time that none shows the one it would have been. */
function instantsIn(zone: string, wall: number): number[] {
  const offsets = [offsetAt(zone, wall - dayMs), offsetAt(zone, wall + dayMs)]
  const shown = offsets.map((offset) => wall - offset).filter((at) => at + offsetAt(zone, at) === wall)
  return [...new Set(shown.length > 0 ? shown : [wall - offsets[0]!])].toSorted((a, b) => a - b)
}

/** The earliest time a zone's clocks show from an instant on: its own, or that at which they are put back soon. */
function lowestIn(zone: string, instant: number): number {
  const next = (Math.floor(instant / quarterMs) + 1) * quarterMs
  const moments = [instant, ...Array.from({ length: soonMs / quarterMs }, (_, index) => next + index * quarterMs)]
  return Math.min(...moments.map((at) => at + offsetAt(zone, at)))
}

/** What is known of an account's clocks during one question. */
export class Clocks {
  #zones: readonly string[] = zoneNames
  /** For an account in a zone that is not in the list: the offsets that were seen. */
  readonly #offsets = new Set<number>()

  /** Takes in an instant and what the account's clocks showed. False: they cannot be of the same moment. */
  learn(instant: number, wall: number): boolean {
    const offset = wall - instant
    if (offset % quarterMs !== 0 || Math.abs(offset) > 15 * hourMs) return false
    this.#offsets.add(offset)
    this.#zones = this.#zones.filter((zone) => offsetAt(zone, instant) === offset)
    return true
  }

  /** The instants that a time on the account's clocks may be, in order; one when it is certain. */
  instants(wall: number): number[] {
    const found =
      this.#zones.length > 0
        ? this.#zones.flatMap((zone) => instantsIn(zone, wall))
        : [...this.#offsets].map((offset) => wall - offset)
    return [...new Set(found)].toSorted((a, b) => a - b)
  }

  /** The earliest time that the clocks may show at an instant or after it: they may be put back within hours. */
  lowest(instant: number): number {
    return this.#zones.length > 0
      ? Math.min(...this.#zones.map((zone) => lowestIn(zone, instant)))
      : Math.min(...[...this.#offsets].map((offset) => instant + offset))
  }

  /** The earliest time they may show after they showed this one, whichever zone it is. */
  lowestAfter(wall: number): number {
    return Math.min(...this.#zones.map((zone) => lowestIn(zone, instantsIn(zone, wall)[0]!)))
  }
}
