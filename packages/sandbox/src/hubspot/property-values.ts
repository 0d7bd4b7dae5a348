// What HubSpot does to a value before it keeps it: everything becomes a string, e-mails and domains are
// normalised, the rest is checked against the property's type. Pure; must not look at other records.
import type { PropertyFault } from './errors.ts'
import type { PropertyDefinition } from './property-definitions.ts'

export type RawValue = string | number | boolean | null

/** A string may be this long. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide */
const valueLengthMax = 65_536

/** The value as kept; '' clears. A fault when HubSpot would refuse it. */
export function normalizeValue(definition: PropertyDefinition, raw: RawValue): string | PropertyFault {
  const value = raw === null ? '' : String(raw)
  const { name } = definition
  const fault = (code: string, message: string): PropertyFault => ({ name, code, message })
  if (definition.readOnly) {
    return fault('READ_ONLY_VALUE', `"${name}" is a read only property; its value cannot be set.`)
  }
  if (value === '') return ''
  if (value.length > valueLengthMax)
    return fault('VALUE_TOO_LONG', `${name} is longer than ${valueLengthMax} characters.`)
  if (name === 'email') return normalizeEmail(value) ?? fault('INVALID_EMAIL', `Email address ${value} is invalid`)
  if (name === 'domain') return normalizeDomain(value)
  switch (definition.type) {
    case 'number':
      return Number.isFinite(Number(value)) ? value.trim() : fault('INVALID_NUMBER', `${value} was not a valid number.`)
    case 'bool':
      return /^(true|false)$/i.test(value)
        ? value.toLowerCase()
        : fault('INVALID_BOOLEAN', `${value} was not a valid boolean.`)
    case 'date':
      return normalizeDate(value) ?? fault('INVALID_DATE', `${value} was not a valid date.`)
    case 'datetime':
      return normalizeDateTime(value) ?? fault('INVALID_DATE', `${value} was not a valid timestamp.`)
    case 'enumeration':
      return normalizeOption(definition, value) ?? fault('INVALID_OPTION', notAnOption(definition, value))
    case 'string':
    case 'phone_number':
      break
  }
  return value
}

/** Lower case, trimmed; undefined for what is no address. */
export function normalizeEmail(value: string): string | undefined {
  const email = value.trim().toLowerCase()
  return /^[^\s@<>(),;:"[\]]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/.test(email)
    ? email
    : undefined
}

/** Lower case, without scheme, www and path. */
export function normalizeDomain(value: string): string {
  return value
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .replace(/[/?#].*$/, '')
}

/** Milliseconds since the epoch of an ISO text or a number in text. */
export function parseInstant(value: string): number | undefined {
  const instant = /^-?\d+$/.test(value) ? Number(value) : Date.parse(value)
  return Number.isFinite(instant) && Math.abs(instant) <= 8.64e15 ? instant : undefined
}

function normalizeDate(value: string): string | undefined {
  const instant = parseInstant(value)
  if (instant === undefined || instant % 86_400_000 !== 0) return undefined
  return new Date(instant).toISOString().slice(0, 10)
}

function normalizeDateTime(value: string): string | undefined {
  const instant = parseInstant(value)
  return instant === undefined ? undefined : new Date(instant).toISOString()
}

function normalizeOption(definition: PropertyDefinition, value: string): string | undefined {
  const allowed = new Set(definition.options.map((option) => option.value))
  const parts = definition.fieldType === 'checkbox' ? value.split(';') : [value]
  return parts.every((part) => allowed.has(part)) ? value : undefined
}

function notAnOption(definition: PropertyDefinition, value: string): string {
  return `${value} was not one of the allowed options: [${definition.options.map((option) => option.value).join(', ')}]`
}
