// What a change looks like as a webhook event. Owns the shapes of webhooks v3; must not deliver.
// Shapes: https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
import type { AssociationChange } from './associations.ts'
import { factsOf } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import type { Change, HubspotRecord, Source } from './records.ts'

/** An event before it is addressed: ids of event, subscription, portal, app and attempt come with delivery. */
export interface WebhookEvent {
  readonly subscriptionType: string
  readonly objectId?: number
  readonly occurredAt: number
  readonly changeSource: string
  readonly sourceId?: string
  readonly changeFlag?: string
  readonly propertyName?: string
  readonly propertyValue?: string
  readonly [key: string]: unknown
}

export function changeEvents(type: ObjectType, change: Change, occurredAt: number): WebhookEvent[] {
  const { record, action, changed, source } = change
  const { singular } = factsOf(type)
  const common = {
    objectId: Number(record.id),
    ...(singular === 'object' ? { objectTypeId: type } : {}),
    occurredAt,
    changeSource: source.sourceType,
    sourceId: source.sourceId,
  }
  if (action === 'restore') return [{ ...common, subscriptionType: `${singular}.restore`, changeFlag: 'RESTORED' }]
  if (action === 'archive') return [{ ...common, subscriptionType: `${singular}.deletion`, changeFlag: 'DELETED' }]
  const properties = Object.entries(changed).map(([propertyName, propertyValue]) => ({
    ...common,
    subscriptionType: `${singular}.propertyChange`,
    propertyName,
    propertyValue,
  }))
  if (action === 'update') return properties
  return [{ ...common, subscriptionType: `${singular}.creation`, changeFlag: 'CREATED' }, ...properties]
}

export function mergeEvents(
  type: ObjectType,
  primary: HubspotRecord,
  merged: HubspotRecord,
  result: HubspotRecord,
  source: Source,
  occurredAt: number,
): WebhookEvent[] {
  return [
    {
      subscriptionType: `${factsOf(type).singular}.merge`,
      objectId: Number(result.id),
      occurredAt,
      changeSource: source.sourceType,
      sourceId: source.sourceId,
      primaryObjectId: Number(primary.id),
      mergedObjectIds: [Number(merged.id)],
      newObjectId: Number(result.id),
      numberOfPropertiesMoved: Object.keys(merged.properties).filter((name) => !(name in primary.properties)).length,
    },
  ]
}

export function privacyEvents(
  type: ObjectType,
  record: HubspotRecord,
  source: Source,
  occurredAt: number,
): WebhookEvent[] {
  const { sourceType: changeSource, sourceId } = source
  const subscriptionType = `${factsOf(type).singular}.privacyDeletion`
  return [{ subscriptionType, objectId: Number(record.id), occurredAt, changeSource, sourceId, changeFlag: 'DELETED' }]
}

const singularOf = (...types: readonly ObjectType[]): string[] => types.map((type) => factsOf(type).singular)

/** Both directions of one association change. */
export function associationEvents(change: AssociationChange, occurredAt: number): WebhookEvent[] {
  const { fromType, fromId, toType, toId, removed, primary } = change
  const event = (from: ObjectType, id: string, to: ObjectType, otherId: string): WebhookEvent => ({
    subscriptionType: `${factsOf(from).singular}.associationChange`,
    occurredAt,
    changeSource: 'INTEGRATION',
    // Names alone do not tell custom objects apart.
    ...(singularOf(fromType, toType).includes('object')
      ? { fromObjectTypeId: factsOf(from).typeId, toObjectTypeId: factsOf(to).typeId }
      : {}),
    associationType: `${factsOf(from).singular}_to_${factsOf(to).singular}`.toUpperCase(),
    fromObjectId: Number(id),
    toObjectId: Number(otherId),
    associationRemoved: removed,
    isPrimaryAssociation: primary,
  })
  return [event(fromType, fromId, toType, toId), event(toType, toId, fromType, fromId)]
}
