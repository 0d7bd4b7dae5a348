// What NetSuite does to a value before it keeps it. Pure but for looking up what a reference leads to.
// Owns the checks of type, length and options; kept are ids for references and selects, ISO text for
// dates. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1544787084.html
import { textOf } from '../http/text.ts'
import { BigNumber } from '../http/body.ts'
import { invalidContent } from './errors.ts'
import { textLengthMax } from './record-types.ts'
import type { Field } from './record-types.ts'

export type Value = string | number | boolean | null | Readonly<Record<string, unknown>>

/** Finds the id of what a reference names: `{id}`, `{externalId}` or `{refName}`. */
export type FindReference = (type: string, by: Readonly<Record<string, unknown>>) => string | undefined

/** The value as kept. Throws INVALID_CONTENT with the path of the field. */
export function normalizeValue(field: Field, raw: unknown, path: string, find: FindReference): Value {
  if (raw === null || raw === '') return field.type === 'boolean' ? false : null
  switch (field.type) {
    case 'string':
      return text(field, raw, path)
    case 'integer':
    case 'number':
      return number(field, raw, path)
    case 'boolean':
      return typeof raw === 'boolean' ? raw : wrong(field, raw, path)
    case 'date':
      return typeof raw === 'string' && isDate(raw) ? raw : wrong(field, raw, path)
    case 'datetime':
      return datetime(field, raw, path)
    case 'reference':
      return reference(field, raw, path, find)
    case 'select':
      return select(field, raw, path)
    case 'object':
      break
  }
  return typeof raw === 'object' && !Array.isArray(raw) && !(raw instanceof BigNumber)
    ? (raw as Record<string, unknown>)
    : wrong(field, raw, path)
}

/** Milliseconds since the epoch as REST writes them: whole seconds, Z. */
export function formatInstant(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`
}

function text(field: Field, raw: unknown, path: string): string {
  if (typeof raw === 'object') return wrong(field, raw, path)
  const value = textOf(raw).trim()
  if (value.length > textLengthMax) {
    throw invalidContent(
      `The field ${field.name} contained more than the maximum number ( ${textLengthMax} ) of characters allowed.`,
      path,
    )
  }
  if (/email$/i.test(field.name) && value !== '' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value)) {
    throw invalidContent(
      `You have entered an invalid email address ${value} for the following field: ${field.name}.`,
      path,
    )
  }
  return value
}

function number(field: Field, raw: unknown, path: string): number {
  const value = typeof raw === 'number' ? raw : typeof raw === 'string' ? Number(raw) : Number.NaN
  const fits = field.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)
  return fits ? value : wrong(field, raw, path)
}

function datetime(field: Field, raw: unknown, path: string): string {
  const instant = typeof raw === 'string' && /^\d{4}-\d\d-\d\dT/.test(raw) ? Date.parse(raw) : Number.NaN
  return Number.isNaN(instant) ? wrong(field, raw, path) : formatInstant(instant)
}

function reference(field: Field, raw: unknown, path: string, find: FindReference): string {
  const by =
    typeof raw === 'object' && !(raw instanceof BigNumber) ? (raw as Record<string, unknown>) : { id: textOf(raw) }
  const id = find(field.referenceTo ?? '', by)
  if (id !== undefined) return id
  throw invalidContent(`Invalid Field Value ${named(by)} for the following field: ${field.name}`, path)
}

function select(field: Field, raw: unknown, path: string): string {
  const by = typeof raw === 'object' ? (raw as Record<string, unknown>) : { id: textOf(raw) }
  const option = (field.options ?? []).find(
    ({ id, refName }) => id === textOf(by['id']) || (by['id'] === undefined && refName === by['refName']),
  )
  if (option) return option.id
  throw invalidContent(`Invalid Field Value ${named(by)} for the following field: ${field.name}`, path)
}

function named(by: Readonly<Record<string, unknown>>): string {
  const value = by['id'] ?? by['externalId'] ?? by['refName']
  return typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(by).slice(0, 80)
}

function isDate(raw: string): boolean {
  const instant = Date.parse(`${raw}T00:00:00Z`)
  return /^\d{4}-\d\d-\d\d$/.test(raw) && !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(raw)
}

function wrong(field: Field, raw: unknown, path: string): never {
  const shown = (raw instanceof BigNumber ? raw.text : (JSON.stringify(raw) ?? '')).slice(0, 80)
  throw invalidContent(`Invalid value ${shown} for the field ${field.name}: the type is ${field.type}.`, path)
}
