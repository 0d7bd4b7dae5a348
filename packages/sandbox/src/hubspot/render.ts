// A record as the objects API answers it. Owns which properties an answer carries; must not change
// anything. https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide
import type { ObjectType } from './object-types.ts'
import { factsOf } from './object-types.ts'
import type { Portal } from './portal.ts'
import type { HubspotRecord } from './records.ts'

/** Associations an object answer carries at most, per type. */
const associationsMax = 100

export interface View {
  /** Properties asked for; none means the type's default ones. */
  readonly properties: readonly string[]
  readonly propertiesWithHistory: readonly string[]
  readonly associations: readonly ObjectType[]
}

/** For answers to writes: every property that has a value. */
export const everything: View = { properties: ['*'], propertiesWithHistory: [], associations: [] }

export function renderRecord(
  portal: Portal,
  type: ObjectType,
  record: HubspotRecord,
  view: View,
): Record<string, unknown> {
  const body: Record<string, unknown> = {
    id: record.id,
    properties: pickProperties(portal, type, record, view.properties),
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
    archived: record.archived,
  }
  if (record.archivedAt !== undefined) body['archivedAt'] = new Date(record.archivedAt).toISOString()
  if (view.propertiesWithHistory.length > 0) {
    body['propertiesWithHistory'] = Object.fromEntries(
      view.propertiesWithHistory.map((name) => [name, renderHistory(record, name)]),
    )
  }
  const associations = renderAssociations(portal, type, record, view.associations)
  if (associations) body['associations'] = associations
  return body
}

function pickProperties(
  portal: Portal,
  type: ObjectType,
  record: HubspotRecord,
  wanted: readonly string[],
): Record<string, string | null> {
  // One that is not defined, or not any more, is left out without a word.
  const { catalogue } = portal.of(type)
  const defined = (names: readonly string[]): string[] => names.filter((name) => catalogue.get(name) !== undefined)
  if (wanted[0] === '*')
    return Object.fromEntries(defined(Object.keys(record.properties)).map((name) => [name, record.properties[name]!]))
  const { defaultProperties, modifiedProperty, createdProperty } = factsOf(type)
  // Named properties come with the three that HubSpot always adds; what is defined and has no value is null.
  const names = wanted.length === 0 ? defaultProperties : [...wanted, createdProperty, 'hs_object_id', modifiedProperty]
  return Object.fromEntries(defined([...new Set(names)]).map((name) => [name, record.properties[name] ?? null]))
}

function renderHistory(record: HubspotRecord, name: string): Record<string, unknown>[] {
  return (record.history[name] ?? []).map(({ value, timestamp, sourceType, sourceId }) => ({
    value,
    timestamp: new Date(timestamp).toISOString(),
    sourceType,
    sourceId,
  }))
}

function renderAssociations(
  portal: Portal,
  type: ObjectType,
  record: HubspotRecord,
  wanted: readonly ObjectType[],
): Record<string, unknown> | undefined {
  const entries = wanted.flatMap((other) => {
    if (other === type) return []
    const names = portal.associations.types(type, other)
    const results = portal.associations
      .list(type, record.id, other)
      .flatMap(({ id, typeIds }) =>
        typeIds.map((typeId) => ({ id, type: names.find((known) => known.id === typeId)!.name })),
      )
    return results.length === 0 ? [] : [[other, { results: results.slice(0, associationsMax) }] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
