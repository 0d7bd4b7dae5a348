// One HubSpot account in memory: its records, properties, associations, search index and limits, put
// together. Owns what spans several records (merging, archiving with associations) and tells webhooks.
import { DailyCount, SlidingWindow } from '../http/window.ts'
import type { Account } from '../oauth/account.ts'
import type { World } from '../world.ts'
import { Associations } from './associations.ts'
import { invalid } from './errors.ts'
import { factsOf, standardTypes } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import { PropertyCatalogue } from './property-catalogue.ts'
import { Records, required } from './records.ts'
import type { HubspotRecord, Source } from './records.ts'
import { Schemas } from './schemas.ts'
import { SearchIndex } from './search-index.ts'
import { associationEvents, changeEvents, mergeEvents, privacyEvents } from './webhook-events.ts'
import type { WebhookEvent } from './webhook-events.ts'

export interface Portal {
  readonly account: Account
  readonly schemas: Schemas
  readonly now: () => number
  /** What the portal has of one type. */
  readonly of: (type: ObjectType) => Opened
  readonly associations: Associations
  readonly searches: SlidingWindow
  readonly daily: DailyCount
  /** The ten-second window of one app in this portal. */
  readonly window: (appId: number) => SlidingWindow
  readonly archive: (type: ObjectType, record: HubspotRecord, source: Source) => void
  /** Erases a record for good, as the law may want. */
  readonly erase: (type: ObjectType, record: HubspotRecord, source: Source) => void
  readonly merge: (type: ObjectType, primaryId: string, mergedId: string, source: Source) => HubspotRecord
  readonly clear: () => void
}

export interface Opened {
  readonly records: Records
  readonly catalogue: PropertyCatalogue
  readonly index: SearchIndex
}

export type Publish = (account: string, events: readonly WebhookEvent[]) => void

export function openPortal(world: World, account: Account, publish: Publish): Portal {
  const { store, now } = world
  const tell = (events: readonly WebhookEvent[]): void => publish(account.id, events)
  // Association changes follow from a request too, but HubSpot names no property and no source there.
  const associations = new Associations(account.id, store, (change) => {
    const contactId = change.fromType === 'contacts' ? change.fromId : change.toId
    const isCompanyOfContact = [change.fromType, change.toType].sort().join() === 'companies,contacts'
    const contact = isCompanyOfContact ? of('contacts').records.get(contactId) : undefined
    if (contact) of('contacts').records.annotate(contact, 'associatedcompanyid', associations.primaryCompany(contactId))
    tell(associationEvents(change, now()))
  })
  const schemas = new Schemas(account.id, store)
  const known = new Map<ObjectType, Opened>()
  const of = (type: ObjectType): Opened => {
    const opened = known.get(type) ?? open(type)
    known.set(type, opened)
    return opened
  }
  const open = (type: ObjectType): Opened => {
    const catalogue = new PropertyCatalogue(type, account.id, store, now)
    const index = new SearchIndex(account.limits.searchLagMs, now)
    const records = new Records({
      type,
      account: account.id,
      store,
      now,
      catalogue,
      beforeWrite: (record, isNew) => index.keep(record, isNew),
      afterWrite: (change) => tell(changeEvents(type, change, now())),
    })
    return { catalogue, index, records }
  }
  const searches = new SlidingWindow(account.limits.searchSecondlyMax, 1000)
  const daily = new DailyCount()
  const windows = new Map<number, SlidingWindow>()

  return {
    account,
    schemas,
    now,
    of,
    associations,
    searches,
    daily,
    window(appId) {
      const window = windows.get(appId) ?? new SlidingWindow(account.limits.tenSecondlyMax, 10_000)
      windows.set(appId, window)
      return window
    },
    archive(type, record, source) {
      if (record.archived) return
      associations.removeAll(type, record.id)
      of(type).records.archive(record, source)
    },
    erase(type, record, source) {
      associations.removeAll(type, record.id)
      of(type).records.erase(record)
      tell(privacyEvents(type, record, source, now()))
    },
    merge(type, primaryId, mergedId, source) {
      const primary = required(of(type).records.find(primaryId))
      const merged = required(of(type).records.find(mergedId))
      if (primary.id === merged.id) throw invalid('An object cannot be merged with itself.')
      const result = mergeRecords(of(type).records, associations, type, primary, merged, source)
      tell(mergeEvents(type, primary, merged, result, source, now()))
      return result
    },
    clear() {
      for (const type of [...standardTypes, ...schemas.all().map((schema) => schema.type)]) {
        of(type).records.clear()
        of(type).index.clear()
      }
      associations.clear()
    },
  }
}

// Both records disappear behind a new one with a new id: the primary's values win, gaps are filled from
// the other, and the ids it replaced are listed in hs_merged_object_ids.
function mergeRecords(
  records: Records,
  associations: Associations,
  type: ObjectType,
  primary: HubspotRecord,
  merged: HubspotRecord,
  source: Source,
): HubspotRecord {
  const edges = [primary, merged].flatMap(({ id }) => associations.all(type, id))
  const own = new Set([
    'hs_object_id',
    'createdate',
    'hs_createdate',
    'hs_object_source',
    'hs_merged_object_ids',
    'associatedcompanyid',
  ])
  own.add(factsOf(type).modifiedProperty)
  const values = Object.fromEntries(
    Object.entries({ ...merged.properties, ...primary.properties }).filter(([name]) => !own.has(name)),
  )
  for (const record of [primary, merged]) {
    associations.removeAll(type, record.id)
    records.release(record)
  }
  const result = records.create(values, source)
  const earlier = [primary, merged].flatMap((record) => [
    ...(record.properties['hs_merged_object_ids']?.split(';') ?? []),
    record.id,
  ])
  records.annotate(result, 'hs_merged_object_ids', earlier.join(';'))
  for (const record of [primary, merged]) records.absorb(record, result)
  for (const { toType, id, typeIds } of edges) associations.add(type, result.id, toType, id, typeIds)
  return result
}
