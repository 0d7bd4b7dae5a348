// Dates in SuiteQL: the company's wall clock, read and written by Oracle's format masks. Owns the masks.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156257805177.html
import { formatDate } from '../zone.ts'
import { invalidQuery } from './parse.ts'

/** A date and time without a zone: milliseconds as if the wall clock were UTC. */
export class Wall {
  readonly at: number
  constructor(at: number) {
    this.at = at
  }
  toString(): string {
    return formatDate(this.at)
  }
}

const masks = /YYYY|MM|DD|HH24|HH12|HH|MI|SS|AM|PM|MON|"[^"]*"/gi
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

export function formatWall({ at }: Wall, mask: string): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = date.getUTCHours()
  const parts: Readonly<Record<string, string>> = {
    YYYY: String(date.getUTCFullYear()).padStart(4, '0'),
    MM: two(date.getUTCMonth() + 1),
    MON: months[date.getUTCMonth()]!,
    DD: two(date.getUTCDate()),
    HH24: two(hours),
    HH12: two(hours % 12 || 12),
    HH: two(hours % 12 || 12),
    MI: two(date.getUTCMinutes()),
    SS: two(date.getUTCSeconds()),
    AM: hours < 12 ? 'AM' : 'PM',
    PM: hours < 12 ? 'AM' : 'PM',
  }
  return mask.replace(masks, (part) => (part.startsWith('"') ? part.slice(1, -1) : parts[part.toUpperCase()]!))
}

/** Throws INVALID_PARAMETER when the text does not fit the mask. */
export function parseByMask(text: string, mask: string): Wall {
  const names: string[] = []
  let source = ''
  let at = 0
  for (const match of mask.matchAll(masks)) {
    source += escape(mask.slice(at, match.index))
    at = match.index + match[0].length
    if (match[0].startsWith('"')) {
      source += escape(match[0].slice(1, -1))
      continue
    }
    const name = match[0].toUpperCase()
    names.push(name)
    source +=
      name === 'YYYY'
        ? String.raw`(\d{4})`
        : name === 'AM' || name === 'PM'
          ? '([AP]M)'
          : name === 'MON'
            ? '([A-Z]{3})'
            : String.raw`(\d{1,2})`
  }
  const found = new RegExp(`^${source}${escape(mask.slice(at))}$`, 'i').exec(text.trim())
  if (!found) throw invalidQuery(`Invalid or unsupported search: ${text.slice(0, 40)} does not fit the format ${mask}.`)
  const value = (name: string): string | undefined => found[names.indexOf(name) + 1 || found.length]
  const month = value('MON') === undefined ? Number(value('MM') ?? 1) - 1 : months.indexOf(value('MON')!.toUpperCase())
  let hours = Number(value('HH24') ?? value('HH12') ?? value('HH') ?? 0)
  const half = (value('AM') ?? value('PM'))?.toUpperCase()
  if (half !== undefined) hours = (hours % 12) + (half === 'PM' ? 12 : 0)
  const wall = Date.UTC(
    Number(value('YYYY') ?? 1970),
    month,
    Number(value('DD') ?? 1),
    hours,
    Number(value('MI') ?? 0),
    Number(value('SS') ?? 0),
  )
  if (Number.isNaN(wall) || new Date(wall).getUTCMonth() !== month) {
    throw invalidQuery(`Invalid or unsupported search: ${text.slice(0, 40)} is not a date.`)
  }
  return new Wall(wall)
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/\s+/g, String.raw`\s+`)
}
