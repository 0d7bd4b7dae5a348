// The records of one type in one portal: creating, changing, archiving, finding, and the unique values
// among them. Owns the rules of a single record; merging, associations and answers live beside it. A
// write is checked completely before anything is changed.
import type { Shelf, Store } from '../store/store.ts'
import { HubspotRefusal, contactExists, invalid, invalidProperties, notFound } from './errors.ts'
import type { PropertyFault } from './errors.ts'
import { factsOf } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import type { PropertyDefinition } from './property-definitions.ts'
import type { PropertyCatalogue } from './property-catalogue.ts'
import { normalizeValue } from './property-values.ts'
import type { RawValue } from './property-values.ts'

export interface ValueVersion {
  readonly value: string
  readonly timestamp: number
  readonly sourceType: string
  readonly sourceId: string
}

export interface HubspotRecord {
  readonly id: string
  properties: Record<string, string>
  readonly createdAt: number
  updatedAt: number
  archived: boolean
  archivedAt?: number
  /** Newest first, at most historyMax a property. */
  history: Record<string, ValueVersion[]>
  /** Set on records that a merge made disappear: the record to answer with instead. */
  mergedInto?: string
}

export interface Source {
  readonly sourceType: 'INTEGRATION' | 'CRM_UI'
  readonly sourceId: string
}

export interface Change {
  readonly record: HubspotRecord
  readonly action: 'create' | 'update' | 'archive' | 'restore'
  /** Properties whose value is another one now. */
  readonly changed: Readonly<Record<string, string>>
  readonly source: Source
}

export const historyMax = 20
/** Archived records can be restored, and are listed, this long. */
export const restorableMs = 90 * 86_400_000

export class Records {
  readonly type: ObjectType
  readonly #shelf: Shelf<HubspotRecord>
  readonly #catalogue: PropertyCatalogue
  readonly #store: Store
  readonly #account: string
  readonly #now: () => number
  /** property → value → record id, for unique properties. */
  readonly #unique = new Map<string, Map<string, string>>()
  readonly #beforeWrite: (record: HubspotRecord, isNew: boolean) => void
  readonly #afterWrite: (change: Change) => void

  constructor(input: {
    readonly type: ObjectType
    readonly account: string
    readonly store: Store
    readonly now: () => number
    readonly catalogue: PropertyCatalogue
    /** Told before a record changes (the search index keeps what it was) … */
    readonly beforeWrite: (record: HubspotRecord, isNew: boolean) => void
    /** … and after (webhooks). */
    readonly afterWrite: (change: Change) => void
  }) {
    this.type = input.type
    this.#account = input.account
    this.#store = input.store
    this.#now = input.now
    this.#catalogue = input.catalogue
    this.#beforeWrite = input.beforeWrite
    this.#afterWrite = input.afterWrite
    this.#shelf = input.store.shelf(input.account, `record.${input.type}`)
    for (const record of this.#shelf.values()) this.#index(record)
  }

  /** All records, oldest first, the archived and merged ones too. */
  all(): MapIterator<HubspotRecord> {
    return this.#shelf.values()
  }

  /** How many are neither archived nor merged. */
  liveCount(): number {
    let count = 0
    for (const record of this.#shelf.values()) if (!record.archived) count++
    return count
  }

  /** The record with this id, whatever its state; one that was merged gives the one it became. */
  get(id: string): HubspotRecord | undefined {
    let record = this.#shelf.get(id)
    // A chain of merges is as long as the merges made; 100 is far beyond HubSpot's own limit of 250 records in one.
    for (let hops = 0; record?.mergedInto !== undefined && hops < 250; hops++)
      record = this.#shelf.get(record.mergedInto)
    return record
  }

  /** The live record with this value of a unique property (or id). */
  find(value: string, idProperty?: string): HubspotRecord | undefined {
    const record = this.lookup(value, idProperty)
    return record?.archived ? undefined : record
  }

  /** Like find, the archived ones too. Throws HubSpot's 400 when the property is not unique. */
  lookup(value: string, idProperty?: string): HubspotRecord | undefined {
    if (idProperty === undefined || idProperty === 'hs_object_id') return this.get(value)
    const definition = this.#catalogue.get(idProperty)
    if (!definition?.hasUniqueValue) {
      throw invalid(`Property ${idProperty} is not a unique property of ${factsOf(this.type).singular.toUpperCase()}`)
    }
    const normal = normalizeValue(definition, value)
    const id = typeof normal === 'string' ? this.#unique.get(idProperty)?.get(normal) : undefined
    return id === undefined ? undefined : this.get(id)
  }

  /**
   * Values as they will be kept. Throws HubSpot's refusal for what is invalid or taken; `reserved` holds
   * the unique values that earlier inputs of the same batch are going to take.
   */
  check(
    raw: Readonly<Record<string, RawValue>>,
    existing?: HubspotRecord,
    reserved?: Map<string, string>,
  ): Record<string, string> {
    const faults: PropertyFault[] = []
    const values: Record<string, string> = {}
    for (const [rawName, rawValue] of Object.entries(raw)) {
      const name = rawName.toLowerCase()
      const definition = this.#catalogue.get(name)
      if (!definition) {
        const message = `Property "${rawName}" does not exist`
        faults.push({ name: rawName, code: 'PROPERTY_DOESNT_EXIST', message })
        continue
      }
      const value = normalizeValue(definition, rawValue)
      if (typeof value === 'string') values[name] = value
      else faults.push(value)
    }
    for (const name of existing ? [] : (factsOf(this.type).requiredProperties ?? [])) {
      if (values[name]) continue
      faults.push({ name, code: 'REQUIRED_FIELD', message: `Some required properties were not set: ${name}.` })
    }
    if (faults.length > 0) throw invalidProperties(faults)
    for (const [name, value] of Object.entries(values)) this.#refuseTaken(name, value, existing, reserved)
    return values
  }

  /** Creates from checked values. */
  create(values: Readonly<Record<string, string>>, source: Source): HubspotRecord {
    const now = this.#now()
    const id = this.#newId()
    const stamp = new Date(now).toISOString()
    const record: HubspotRecord = {
      id,
      properties: {},
      createdAt: now,
      updatedAt: now,
      archived: false,
      history: {},
    }
    this.#beforeWrite(record, true)
    const changed = this.#apply(record, values, now, source)
    Object.assign(record.properties, { hs_object_id: id, hs_object_source: source.sourceType })
    record.properties[factsOf(this.type).createdProperty] = stamp
    record.properties[factsOf(this.type).modifiedProperty] = stamp
    this.#save(record)
    this.#afterWrite({ record, action: 'create', changed, source })
    return record
  }

  /** Changes to checked values. The modification date moves even when no value differs. */
  update(record: HubspotRecord, values: Readonly<Record<string, string>>, source: Source): HubspotRecord {
    const now = this.#now()
    this.#beforeWrite(record, false)
    this.#unindex(record)
    const changed = this.#apply(record, values, now, source)
    record.updatedAt = now
    record.properties[factsOf(this.type).modifiedProperty] = new Date(now).toISOString()
    this.#save(record)
    this.#afterWrite({ record, action: 'update', changed, source })
    return record
  }

  /** Moves the record to the recycling bin; its unique values become free. Twice does nothing. */
  archive(record: HubspotRecord, source: Source): void {
    if (record.archived) return
    const now = this.#now()
    this.#beforeWrite(record, false)
    this.#unindex(record)
    record.archived = true
    record.archivedAt = now
    record.updatedAt = now
    record.properties[factsOf(this.type).modifiedProperty] = new Date(now).toISOString()
    this.#save(record)
    this.#afterWrite({ record, action: 'archive', changed: {}, source })
  }

  /** Brings an archived record back within 90 days. Throws when a live record has its unique value by now. */
  restore(record: HubspotRecord, source: Source): void {
    if (!record.archived) return
    const now = this.#now()
    if (record.mergedInto !== undefined || (record.archivedAt ?? 0) <= now - restorableMs) throw notFound()
    for (const { name } of this.#catalogue.unique()) {
      if (name !== 'hs_object_id') this.#refuseTaken(name, record.properties[name] ?? '', record)
    }
    this.#beforeWrite(record, false)
    record.archived = false
    delete record.archivedAt
    record.updatedAt = now
    record.properties[factsOf(this.type).modifiedProperty] = new Date(now).toISOString()
    this.#save(record)
    this.#afterWrite({ record, action: 'restore', changed: {}, source })
  }

  /** Takes a record out of sight because a merge replaced it: no deletion event, reads give the other one. */
  absorb(record: HubspotRecord, into: HubspotRecord): void {
    this.#beforeWrite(record, false)
    this.#unindex(record)
    record.archived = true
    record.archivedAt = this.#now()
    record.mergedInto = into.id
    this.#save(record)
  }

  /** Sets a property that only HubSpot writes, without moving the modification date. */
  annotate(record: HubspotRecord, name: string, value: string | undefined): void {
    if (value === undefined) delete record.properties[name]
    else record.properties[name] = value
    this.#save(record)
  }

  /** Frees the unique values of the record, for a merge that gives them to another one. */
  release(record: HubspotRecord): void {
    this.#unindex(record)
  }

  /** Takes the record out of everything, for good. */
  erase(record: HubspotRecord): void {
    this.#beforeWrite(record, false)
    this.#unindex(record)
    this.#shelf.delete(record.id)
  }

  clear(): void {
    this.#shelf.clear()
    this.#unique.clear()
  }

  #newId(): string {
    // Ids of different portals differ, so an id that leaks from one to another is not found there.
    const base = 100_000_000_000 + (Number(this.#account) % 1_000_000) * 100_000
    return String(base + this.#store.next(this.#account, `record.${this.type}`))
  }

  #apply(
    record: HubspotRecord,
    values: Readonly<Record<string, string>>,
    timestamp: number,
    source: Source,
  ): Record<string, string> {
    const changed: Record<string, string> = {}
    for (const [name, value] of Object.entries(values)) {
      if ((record.properties[name] ?? '') === value) continue
      changed[name] = value
      if (value === '') delete record.properties[name]
      else record.properties[name] = value
      const versions = [{ value, timestamp, ...source }, ...(record.history[name] ?? [])]
      record.history[name] = versions.slice(0, historyMax)
    }
    return changed
  }

  #refuseTaken(name: string, value: string, existing?: HubspotRecord, reserved?: Map<string, string>): void {
    const definition: PropertyDefinition | undefined = this.#catalogue.get(name)
    if (!definition?.hasUniqueValue || value === '') return
    const holder = this.#unique.get(name)?.get(value)
    if (holder !== undefined && holder !== existing?.id) {
      if (name === 'email') throw contactExists(holder)
      throw invalidProperties([
        { name, code: 'CONFLICTING_UNIQUE_VALUE', message: `${holder} already has that value.` },
      ])
    }
    const key = `${name}\n${value}`
    if (reserved?.has(key) && reserved.get(key) !== existing?.id) {
      throw new HubspotRefusal(409, {
        message: `Duplicate value ${value} of ${name} in the batch`,
        category: 'CONFLICT',
      })
    }
    reserved?.set(key, existing?.id ?? '')
  }

  #save(record: HubspotRecord): void {
    this.#shelf.set(record.id, record)
    this.#index(record)
  }

  #index(record: HubspotRecord): void {
    if (record.archived) return
    for (const { name } of this.#catalogue.unique()) {
      const value = record.properties[name]
      if (value === undefined || name === 'hs_object_id') continue
      const holders = this.#unique.get(name) ?? new Map<string, string>()
      this.#unique.set(name, holders)
      holders.set(value, record.id)
    }
  }

  #unindex(record: HubspotRecord): void {
    for (const [name, holders] of this.#unique) {
      const value = record.properties[name]
      if (value !== undefined && holders.get(value) === record.id) holders.delete(value)
    }
  }
}

/** The live record, or HubSpot's 404. */
export function required(record: HubspotRecord | undefined): HubspotRecord {
  if (!record) throw notFound()
  return record
}
