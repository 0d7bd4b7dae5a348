// What Salesforce does to a value before it keeps it, and how it writes instants. Pure. Owns the checks
// of type and length; must not look at other records.
import { BigNumber } from '../http/body.ts'
import { SalesforceRefusal } from './errors.ts'
import { toLongId } from './ids.ts'
import type { Field } from './objects.ts'

export type Value = string | number | boolean | null

/** Milliseconds since the epoch as Salesforce writes them: whole seconds, +0000. */
export function formatInstant(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}.000+0000`
}

/** The start of the second an instant is in: the precision records keep. */
export function toSecond(instant: number): number {
  return Math.floor(instant / 1000) * 1000
}

/** Milliseconds since the epoch of a date-time text with a time zone; undefined when it is none. */
export function parseInstant(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)$/i.exec(text)
  if (!match) return undefined
  const [, clock = '', fraction = '', zone = 'Z'] = match
  const instant = Date.parse(`${clock}${fraction}${zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`)
  return Number.isNaN(instant) ? undefined : instant
}

/** The value as kept. Throws Salesforce's refusal for a wrong type, a wrong form, or too much text. */
export function normalizeValue(field: Field, value: unknown): Value {
  if (value === null || value === '') return field.type === 'boolean' ? false : null
  switch (field.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : refuseType(field, value, 'boolean')
    case 'int':
    case 'double':
    case 'currency':
      return normalizeNumber(field, value)
    case 'date': {
      const text = typeof value === 'string' ? value.slice(0, 10) : ''
      return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : refuseType(field, value, 'date')
    }
    case 'datetime': {
      const instant = typeof value === 'string' ? parseInstant(value) : undefined
      return instant === undefined ? refuseType(field, value, 'datetime') : formatInstant(instant)
    }
    case 'id':
    case 'reference':
      return normalizeId(field, value)
    case 'string':
    case 'textarea':
    case 'email':
    case 'phone':
    case 'url':
    case 'picklist':
      break
  }
  return normalizeText(field, value)
}

function normalizeText(field: Field, value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    return refuseType(field, value, 'string')
  // Salesforce trims the white space around text, and keeps nothing of what was only white space.
  const text = String(value).trim()
  if (text.length > field.length) {
    const message = `${field.label}: data value too large: ${text.slice(0, 80)} (max length=${field.length})`
    throw new SalesforceRefusal(400, 'STRING_TOO_LONG', message, [field.name])
  }
  if (field.type === 'email' && text !== '' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text)) {
    throw new SalesforceRefusal(400, 'INVALID_EMAIL_ADDRESS', `Email: invalid email address: ${text}`, [field.name])
  }
  if (text === '') return null
  if (field.restricted && !field.options.includes(text)) {
    const message = `${field.label}: bad value for restricted picklist field: ${text.slice(0, 80)}`
    throw new SalesforceRefusal(400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', message, [field.name])
  }
  return field.type === 'email' ? text.toLowerCase() : text
}

function normalizeNumber(field: Field, value: unknown): number {
  const number = typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : Number.NaN
  // What JavaScript cannot hold is refused, never rounded: Salesforce's own fields end at 18 digits.
  if (value instanceof BigNumber || (field.type === 'int' && Math.abs(number) > 2_147_483_647)) {
    const message = `${field.label}: value outside of valid range on numeric field: ${describe(value)}`
    throw new SalesforceRefusal(400, 'NUMBER_OUTSIDE_VALID_RANGE', message, [field.name])
  }
  const fits = field.type === 'int' ? Number.isInteger(number) : Number.isFinite(number)
  return fits ? number : refuseType(field, value, field.type)
}

function normalizeId(field: Field, value: unknown): string {
  const id = typeof value === 'string' ? toLongId(value) : undefined
  if (id !== undefined) return id
  const message = `${field.label}: id value of incorrect type: ${describe(value)}`
  throw new SalesforceRefusal(400, 'MALFORMED_ID', message, [field.name])
}

function refuseType(field: Field, value: unknown, type: string): never {
  const message = `Cannot deserialize instance of ${type} from VALUE_STRING value ${describe(value)} for field ${field.name}`
  throw new SalesforceRefusal(400, 'JSON_PARSER_ERROR', message)
}

function describe(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 80)
}
