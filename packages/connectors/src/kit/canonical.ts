// Canonical text: the one form in which a value of either side is compared, stored as base and sent.
// Owns the forms of numbers, instants, dates and booleans. Pure; must not know any provider: which
// field has which kind is the connector's table. What does not parse stays as it is, because the CRM
// shall judge it, not this file.
import type { FieldValue } from './connector.ts'

/**
 * How a field's values are compared.
 * `email` and `domain` ignore case, and a domain its scheme, `www.` and path, as HubSpot keeps them.
 * `json` is a list or an object as JSON, in a form that the connector has for it.
 * `choice` is one value of a pick list, `choices` are several, in any order, with `;` between them.
 */
export type FieldKind =
  | 'text'
  | 'email'
  | 'domain'
  | 'number'
  | 'boolean'
  | 'instant'
  | 'date'
  | 'choice'
  | 'choices'
  | 'json'

/** The canonical text of a JSON value; null for null, absent and empty. Trims, as both CRMs do. */
export function canonical(kind: FieldKind, value: unknown): FieldValue {
  const text = plainText(value)
  return text === null ? null : forms[kind](text) || null
}

const forms: Readonly<Record<FieldKind, (text: string) => string>> = {
  text: (text) => text,
  email: (text) => text.toLowerCase(),
  domain: (text) =>
    text
      .toLowerCase()
      .replace(/^(?:https?:\/\/|www\.|\s)+/, '')
      .replace(/[/?#].*$/s, '')
      .trim(),
  number: numberText,
  boolean: (text) => (/^(?:true|t|1|yes)$/i.test(text) ? 'true' : /^(?:false|f|0|no)$/i.test(text) ? 'false' : text),
  instant: (text) => instantText(text) ?? text,
  date: (text) => instantText(text)?.split('T')[0] ?? text,
  json: (text) => text,
  choice: (text) => text,
  choices: (text) =>
    [...new Set(text.split(';').map((value) => value.trim()))]
      .filter((value) => value !== '')
      .toSorted()
      .join(';'),
}

/**
 * Milliseconds since the epoch or any ISO form → ISO-8601, UTC, milliseconds. Null when it is no instant. A time
 * without a zone is UTC: Date.parse would take this machine's zone, and with it another day.
 */
export function instantText(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const ms = typeof value === 'number' || /^-?\d{5,}$/.test(value) ? Number(value) : isoMs(value)
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null
}

const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i

function isoMs(text: string): number {
  const parts = iso.exec(text.trim())
  if (!parts) return Number.NaN
  const [, year = '', month = '', day = '', time = '00:00', zone = 'Z'] = parts
  // A day that the month does not have would become one of the next month.
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return Number.NaN
  // Salesforce writes +0000 and Postgres +00, which Date.parse need not understand.
  const offset = zone.length === 1 ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
  return Date.parse(`${year}-${month}-${day}T${time}${offset}`)
}

// Text arithmetic on purpose: a float would lose digits of a numeric column.
function numberText(text: string): string {
  const parts = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?(?:e([+-]?\d{1,3}))?$/i.exec(text)
  if (!parts || !/\d/.test(text)) return text
  const [, sign = '', whole = '', fraction = '', exponent] = parts
  if (exponent !== undefined) return numberText(sign + shifted(whole, fraction ?? '', Number(exponent)))
  const digits = `${whole || '0'}${fraction ? `.${fraction}` : ''}`
  return sign === '-' && digits !== '0' ? `-${digits}` : digits
}

/** The same number without a power of ten: all of its digits, so that 1e+21 is what a numeric column calls it. */
function shifted(whole: string, fraction: string, exponent: number): string {
  const digits = whole + fraction
  const point = whole.length + exponent
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`
  return point >= digits.length ? digits.padEnd(point, '0') : `${digits.slice(0, point)}.${digits.slice(point)}`
}

function plainText(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() || null
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null
}
