// Turns values and references into what Salesforce takes, or says why it would not take them. Owns the rules
// that need no call: what would be refused anyway, and what would be changed without a word. Must not call.
import { park } from '../kit/answers.ts'
import type { FieldValue, WriteOperation } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { SalesforceObject } from './object.ts'
import { canonicalField, kindOf, referenceField } from './objects.ts'

type Written = Exclude<WriteOperation, { kind: 'delete' }>
export type SentValues = Record<string, string | number | boolean | null>

/** What needs no call to be refused; null when there is nothing of it. */
export function refusalOf(object: SalesforceObject, operation: Written): Failure | null {
  return missingField(object, operation) ?? inexactNumber(object, operation) ?? badReference(object, operation)
}

/** Values and references as Salesforce takes them: null clears, numbers are JSON numbers. */
export function valuesToSend(object: SalesforceObject, { fields, references }: Written): SentValues {
  const values: SentValues = {}
  for (const [field, value] of Object.entries(fields)) {
    if (!object.readOnlyFields.includes(field)) values[field] = valueToSend(object, field, value)
  }
  for (const [field, ids] of idsByField(object, references)) values[field] = ids.find((id) => id !== null) ?? null
  return values
}

function valueToSend(object: SalesforceObject, field: string, value: FieldValue): SentValues[string] {
  const text = canonicalField(object, field, value)
  const kind = kindOf(object, field)
  // A checkbox knows no third state.
  if (kind === 'boolean') return text === null || text === 'false' ? false : text === 'true' ? true : text
  return kind === 'number' && text !== null && Number.isFinite(Number(text)) ? Number(text) : text
}

function missingField(object: SalesforceObject, { kind, fields }: Written): Failure | null {
  for (const { name, label } of object.requiredFields) {
    if (kind === 'update' && !(name in fields)) continue
    if (fields[name]?.trim()) continue
    const reason = `Salesforce does not keep a ${object.remoteName} without ${label}: fill it in here, and it is sent.`
    return park('required_field_missing', reason)
  }
  return null
}

/** Its numbers are doubles: one of more digits would come back as another one. */
function inexactNumber(object: SalesforceObject, { fields }: Written): Failure | null {
  for (const [field, value] of Object.entries(fields)) {
    if (kindOf(object, field) !== 'number') continue
    const text = canonicalField(object, field, value)
    if (text === null || !Number.isFinite(Number(text))) continue
    if (canonicalField(object, field, Number(text)) === text) continue
    return park('number_not_exact', `Salesforce would keep ${text} in ${field} as ${Number(text)}: use fewer digits.`)
  }
  return null
}

function badReference(object: SalesforceObject, { kind, references }: Written): Failure | null {
  const given = idsByField(object, references)
  for (const [field, ids] of given) {
    if (ids.filter((id) => id !== null).length > 1) {
      const names = Object.keys(references).filter((name) => referenceField(object, name).field === field)
      const reason = `Salesforce keeps one of ${names.join(', ')} with a ${object.remoteName}, in ${field}: clear the others here.`
      return park('references_exclude_each_other', reason)
    }
  }
  for (const field of object.fixedFields) {
    const ids = given.get(field)
    if (kind === 'update' && ids !== undefined)
      return park('reference_is_fixed', `Salesforce never moves a ${object.remoteName} to another record.`)
    if (kind === 'create' && !ids?.some((id) => id !== null)) {
      const reason = `Salesforce does not keep a ${object.remoteName} that is about nothing: set what it belongs to here.`
      return park('required_field_missing', reason)
    }
  }
  return null
}

function idsByField(object: SalesforceObject, references: Written['references']): Map<string, (string | null)[]> {
  const ids = new Map<string, (string | null)[]>()
  for (const [name, id] of Object.entries(references)) {
    const { field } = referenceField(object, name)
    ids.set(field, [...(ids.get(field) ?? []), id])
  }
  return ids
}
