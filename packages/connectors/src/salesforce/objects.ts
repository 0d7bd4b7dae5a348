// Resolves object names, and turns Salesforce's records into ours and back. Must not call anything.
import { RowhouseError } from '@rowhouse/contracts'
import { canonical, instantText } from '../kit/canonical.ts'
import type { FieldValue, FieldValues, ObjectSelection, RemoteRecord } from '../kit/connector.ts'
import { isObject, textOf } from '../kit/reading.ts'
import { objects, tokenField } from './description.ts'
import type { SalesforceObject } from './description.ts'

/** @throws invalid_option for an object Salesforce's description does not name. */
export function objectNamed(name: string): SalesforceObject {
  const found = objects.find((object) => object.name === name)
  if (!found) {
    throw new RowhouseError('invalid_option', `Salesforce has no object ${name}; it has contact and company.`)
  }
  return found
}

export function canonicalField(object: SalesforceObject, field: string, value: unknown): FieldValue {
  return canonical(object.kinds[field] ?? 'text', value)
}

/** The selection's fields and what every record needs besides. */
export function fieldsOf(object: SalesforceObject, selection: ObjectSelection): string[] {
  const references = selection.references.flatMap((name) => object.referenceFields[name] ?? [])
  return [...new Set(['Id', 'CreatedDate', 'SystemModstamp', tokenField, ...selection.fields, ...references])]
}

/** The record, or null when the body is none (no id). */
export function recordOf(object: SalesforceObject, selection: ObjectSelection, raw: unknown): RemoteRecord | null {
  if (!isObject(raw)) return null
  const id = textOf(raw['Id'])
  if (id === null) return null
  const createdAt = instantText(raw['CreatedDate']) ?? epoch
  return {
    id,
    fields: Object.fromEntries(selection.fields.map((field) => [field, canonicalField(object, field, raw[field])])),
    references: Object.fromEntries(
      selection.references.map((name) => [name, textOf(raw[object.referenceFields[name] ?? ''])]),
    ),
    modifiedAt: instantText(raw['SystemModstamp']) ?? createdAt,
    createdAt,
    deleted: raw['IsDeleted'] === true,
    createToken: textOf(raw[tokenField]),
  }
}

/** Values and references as Salesforce takes them: null clears, numbers are JSON numbers. */
export function valuesToSend(
  object: SalesforceObject,
  fields: FieldValues,
  references: RemoteRecord['references'],
): Record<string, string | number | null> {
  const values: Record<string, string | number | null> = {}
  for (const [field, value] of Object.entries(fields)) {
    if (object.readOnlyFields.includes(field)) continue
    const text = canonicalField(object, field, value)
    const isNumber = object.kinds[field] === 'number' && text !== null && Number.isFinite(Number(text))
    values[field] = isNumber ? Number(text) : text
  }
  for (const [name, id] of Object.entries(references)) {
    const field = object.referenceFields[name]
    if (field !== undefined) values[field] = id
  }
  return values
}

/** 15 or 18 characters; anything else cannot be a record's id and is not worth a call. */
export function isId(text: string): boolean {
  return /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/.test(text)
}

/** The 18-character form of an id: three more characters that carry the case of the first fifteen. */
export function longId(id: string): string {
  if (id.length !== 15) return id
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
  const checks = [0, 5, 10].map((start) => {
    const capitals = [0, 1, 2, 3, 4].filter((at) => /[A-Z]/.test(id.charAt(start + at)))
    return alphabet.charAt(capitals.reduce((bits, at) => bits | (1 << at), 0))
  })
  return id + checks.join('')
}

const epoch = new Date(0).toISOString()
