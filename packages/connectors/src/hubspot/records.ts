// Turns HubSpot's records into ours. Owns which properties every read asks for, and the canonical form
// of each field. Must not call anything.
import { canonical, instantText } from '../kit/canonical.ts'
import type { FieldValue, FieldValues, ObjectSelection, RemoteRecord } from '../kit/connector.ts'
import { isObject, objectOf, textOf } from '../kit/reading.ts'
import { beginningOf, dayIn } from '../kit/zone.ts'
import { tokenProperty } from './description.ts'
import type { HubspotObject } from './object.ts'

const mergedProperty = 'hs_merged_object_ids'
const dayText = /^\d{4}-\d\d-\d\d$/

/** The selection's fields and what every record needs besides. */
export function propertiesOf(object: HubspotObject, selection: ObjectSelection): string[] {
  return [...new Set([...selection.fields, object.modifiedProperty, mergedProperty, tokenProperty])]
}

export function canonicalField(object: HubspotObject, field: string, value: unknown): FieldValue {
  return canonical(kindOf(object, field), object.days.includes(field) ? dayOf(object, value) : value)
}

function kindOf({ kinds }: HubspotObject, field: string): HubspotObject['kinds'][string] {
  return (Object.hasOwn(kinds, field) ? kinds[field] : undefined) ?? 'text'
}

/** HubSpot keeps a close date as an instant; people mean the day it is in their portal's zone. */
function dayOf({ timeZone }: HubspotObject, value: unknown): unknown {
  const text = typeof value === 'string' ? value.trim() : value
  if (typeof text === 'string' && dayText.test(text)) return text
  const instant = instantText(text)
  return instant === null ? value : dayIn(timeZone, Date.parse(instant))
}

/**
 * The record, or null when the body is none (no id). References are added by the caller, who knows
 * them; a field that the answer does not hold is left out of a write's record, and null in a read.
 */
export function recordOf(
  object: HubspotObject,
  selection: ObjectSelection,
  raw: unknown,
  references: RemoteRecord['references'],
  absent: 'null' | 'omit' = 'null',
): RemoteRecord | null {
  if (!isObject(raw)) return null
  const id = textOf(raw['id'])
  if (id === null) return null
  const properties = objectOf(raw['properties'])
  const fields: Record<string, FieldValue> = {}
  for (const field of selection.fields) {
    if (absent === 'omit' && !(field in properties)) continue
    fields[field] = canonicalField(object, field, properties[field])
  }
  const createdAt = instantText(raw['createdAt']) ?? instantText(properties['createdate']) ?? epoch
  const merged = textOf(properties[mergedProperty])
  return {
    id,
    fields,
    references,
    modifiedAt: instantText(properties[object.modifiedProperty]) ?? instantText(raw['updatedAt']) ?? createdAt,
    createdAt,
    deleted: raw['archived'] === true,
    ...(merged === null ? {} : { mergedIds: merged.split(';').filter((mergedId) => mergedId !== '') }),
    createToken: textOf(properties[tokenProperty]),
  }
}

/** Values as HubSpot takes them: text, and the empty string clears. */
export function propertiesToSend(object: HubspotObject, fields: FieldValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([field]) => !object.readOnlyFields.includes(field))
      .map(([field, value]) => {
        const text = canonicalField(object, field, value) ?? ''
        if (!object.days.includes(field) || !dayText.test(text)) return [field, text]
        return [field, new Date(beginningOf(object.timeZone, text)).toISOString()]
      }),
  )
}

/** The `after` of a page; null on the last one. */
export function afterOf(body: unknown): string | null {
  return textOf(objectOf(objectOf(objectOf(body)['paging'])['next'])['after'])
}

const epoch = new Date(0).toISOString()
