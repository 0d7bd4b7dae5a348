// Resolves object names, and turns Salesforce's records into ours. Must not call anything.
import { RowhouseError } from '@rowhouse/contracts'
import { canonical, instantText } from '../kit/canonical.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { FieldValue, ObjectSelection, RemoteRecord } from '../kit/connector.ts'
import { isObject, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { customObject, objects } from './description.ts'
import type { SalesforceObject, SalesforceReference } from './object.ts'

const customName = /^[A-Za-z]\w{0,76}__c$/

/** @throws invalid_option for what can be no object of Salesforce. */
export function objectNamed(name: string): SalesforceObject {
  const found = findObject(name)
  if (found) return found
  const names = objects.map((object) => object.name).join(', ')
  throw new RowhouseError(
    'invalid_option',
    `Salesforce has no object ${name}; it has ${names}, and custom ones as Machine__c.`,
  )
}

/** Undefined for what can be no object of Salesforce. */
export function findObject(name: string): SalesforceObject | undefined {
  return objects.find((object) => object.name === name) ?? (customName.test(name) ? customObject(name) : undefined)
}

/** The object of a selection, with what its definition adds. @throws invalid_option */
export function objectOf({ object, definition }: Pick<ObjectSelection, 'object' | 'definition'>): SalesforceObject {
  const found = objectNamed(object)
  if (definition === undefined) return found
  const references = Object.entries(definition.via).map(([name, field]) => [name, { field, prefix: null }] as const)
  // What is known of an object in every organization goes before what was found in one.
  return {
    ...found,
    kinds: { ...definition.kinds, ...found.kinds },
    referenceFields: { ...Object.fromEntries(references), ...found.referenceFields },
  }
}

export function canonicalField(object: SalesforceObject, field: string, value: unknown): FieldValue {
  return canonical(kindOf(object, field), value)
}

export function kindOf({ kinds }: SalesforceObject, field: string): FieldKind {
  return (Object.hasOwn(kinds, field) ? kinds[field] : undefined) ?? 'text'
}

/** @throws invalid_option for a reference that neither the description nor the selection's definition knows. */
export function referenceField(object: SalesforceObject, reference: string): SalesforceReference {
  const found = Object.hasOwn(object.referenceFields, reference) ? object.referenceFields[reference] : undefined
  if (found) return found
  throw new RowhouseError('invalid_option', `The reference ${reference} of ${object.name} has no definition.`)
}

/** The selection's fields and what every record needs besides. */
export function fieldsOf(object: SalesforceObject, selection: ObjectSelection): string[] {
  const references = selection.references.map((name) => referenceField(object, name).field)
  const token = object.createTokenField === null ? [] : [object.createTokenField]
  return [...new Set(['Id', 'CreatedDate', 'SystemModstamp', ...token, ...selection.fields, ...references])]
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
    references: Object.fromEntries(selection.references.map((name) => [name, parentIn(object, name, raw)])),
    modifiedAt: instantText(raw['SystemModstamp']) ?? createdAt,
    createdAt,
    deleted: raw['IsDeleted'] === true,
    createToken: object.createTokenField === null ? null : textOf(raw[object.createTokenField]),
  }
}

function parentIn(object: SalesforceObject, reference: string, raw: JsonObject): string | null {
  const { field, prefix } = referenceField(object, reference)
  const id = textOf(raw[field])
  return id !== null && prefix !== null && !id.startsWith(prefix) ? null : id
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
