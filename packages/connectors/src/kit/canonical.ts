// Canonical text: the one form in which a value of either side is compared, stored as base and sent.
// Owns the forms of numbers, instants, dates and booleans. Pure; must not know any provider: which
// field has which kind is the connector's table. What does not parse stays as it is, because the CRM
// shall judge it, not this file.
import type { FieldValue } from './connector.ts'

/**
 * How a field's values are compared.
 * `email` and `domain` ignore case, and a domain its scheme, `www.` and path, as HubSpot keeps them.
 */
export type FieldKind = 'text' | 'email' | 'domain' | 'number' | 'boolean' | 'instant' | 'date'

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
}

/** Milliseconds since the epoch or any ISO form → ISO-8601, UTC, milliseconds. Null when it is no instant. */
export function instantText(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const ms = typeof value === 'number' || /^-?\d{5,}$/.test(value) ? Number(value) : Date.parse(withColon(value))
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null
}

// Salesforce writes +0000, which Date.parse need not understand.
function withColon(text: string): string {
  return text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')
}

// Text arithmetic on purpose: a float would lose digits of a numeric column.
function numberText(text: string): string {
  const parts = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?(?:e([+-]?\d{1,3}))?$/i.exec(text)
  if (!parts || !/\d/.test(text)) return text
  const [, sign = '', whole = '', fraction = '', exponent] = parts
  if (exponent !== undefined) {
    const plain = Number(text)
    return Number.isSafeInteger(plain) ? String(plain) : text
  }
  const digits = `${whole || '0'}${fraction ? `.${fraction}` : ''}`
  return sign === '-' && digits !== '0' ? `-${digits}` : digits
}

function plainText(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() || null
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null
}
