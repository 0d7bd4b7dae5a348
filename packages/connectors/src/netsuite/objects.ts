// Resolves object names, and turns values into NetSuite's two forms and back: SuiteQL's text to read, REST's JSON
// to write. Must not call anything.
import { RowhouseError } from '@rowhouse/contracts'
import { canonical } from '../kit/canonical.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { FieldValue, FieldValues, ObjectSelection, RemoteRecord } from '../kit/connector.ts'
import type { ObjectDefinition } from '../kit/schema.ts'
import { batchSizeMax, linesField, objects, pageSizeMax, tokenField } from './description.ts'
import type { NetsuiteObject } from './description.ts'
import { canonicalLines, linesToSend } from './lines.ts'
import { columnName } from './suiteql.ts'
import { valueToSend } from './values.ts'

/** @throws invalid_option for an object that is neither in the description nor a custom record. */
export function objectNamed(name: string): NetsuiteObject {
  const found = objects.find((object) => object.name === name)
  if (found) return found
  if (/^customrecord_?[a-z0-9_]{1,60}$/.test(name)) return customRecord(name)
  const known = objects.map((object) => object.name).join(', ')
  throw new RowhouseError('invalid_option', `NetSuite has no object ${name}; it has ${known} and custom records.`)
}

// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545058189.html
function customRecord(name: string): NetsuiteObject {
  return {
    name,
    remoteName: name,
    table: name,
    where: null,
    createdColumn: 'created',
    modifiedColumn: 'lastmodified',
    createdField: 'created',
    modifiedField: 'lastModified',
    references: [],
    uniqueFields: [],
    pageSizeMax,
    batchSizeMax,
    createTokenField: tokenField,
    readOnlyFields: ['id', 'externalId', 'created', 'lastModified'],
    kinds: {},
    columns: {},
    expressions: {},
    referenceFields: {},
    defaults: {},
  }
}

export function kindOf(object: NetsuiteObject, field: string, definition: ObjectDefinition | undefined): FieldKind {
  return object.kinds[field] ?? definition?.kinds[field] ?? 'text'
}

export function canonicalField(
  object: NetsuiteObject,
  field: string,
  value: unknown,
  definition?: ObjectDefinition,
): FieldValue {
  if (hasLines(object) && field === linesField) return canonicalLines(value)
  return canonical(kindOf(object, field, definition), value)
}

export function hasLines(object: NetsuiteObject): boolean {
  return object.table === 'transaction'
}

/** The column that holds a field or a reference, or what is read in its place. @throws invalid_option */
export function columnOf(object: NetsuiteObject, field: string): string {
  return object.expressions[field] ?? `t.${object.columns[field] ?? columnName(field)}`
}

/** The field that holds a reference's id; null for a reference that is not known. */
export function referenceField(
  object: NetsuiteObject,
  reference: string,
  definition: ObjectDefinition | undefined,
): string | null {
  return object.referenceFields[reference] ?? definition?.via[reference] ?? null
}

/** The body of a create or a change: null clears, numbers are JSON numbers unless that would change them. */
export function valuesToSend(
  object: NetsuiteObject,
  { definition }: Pick<ObjectSelection, 'definition'>,
  fields: FieldValues,
  references: RemoteRecord['references'],
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(fields)) {
    if (object.readOnlyFields.includes(field)) continue
    values[field] =
      hasLines(object) && field === linesField
        ? linesToSend(value)
        : valueToSend(kindOf(object, field, definition), canonicalField(object, field, value, definition))
  }
  for (const [reference, id] of Object.entries(references)) {
    const field = referenceField(object, reference, definition)
    if (field !== null) values[field] = id === null ? null : { id }
  }
  return values
}

/** An id of NetSuite; anything else is not worth a call. */
export function isId(text: string): boolean {
  return /^-?\d{1,15}$/.test(text)
}
