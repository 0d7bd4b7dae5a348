// The records of all objects of one organization: creating, changing, deleting, finding, external ids,
// and taking a group of writes back. Owns the rules of a single record; requests and answers live
// beside it. Time has the precision of a second, as in Salesforce, so many records share one.
// Long because a write, its index, its undoing and its telling share one private state.
import type { Store } from '../store/store.ts'
import type { Shelf } from '../store/store.ts'
import { SalesforceRefusal, invalidField, notFound } from './errors.ts'
import { recordId, toLongId } from './ids.ts'
import type { Field, ObjectName } from './objects.ts'
import type { Schema } from './schema.ts'
import { normalizeValue, toSecond } from './values.ts'
import type { Value } from './values.ts'

export interface SalesforceRecord {
  readonly id: string
  readonly object: ObjectName
  /** What clients set; system fields are derived from the rest. */
  values: Record<string, Value>
  readonly createdAt: number
  modifiedAt: number
  deletedAt?: number
  readonly createdBy: string
  modifiedBy: string
}

export interface Author {
  readonly userId: string
  /** How change events name what made the change: com/salesforce/api/rest/67.0;client=… */
  readonly origin: string
  /** Whether a duplicate rule may be overruled. */
  readonly allowDuplicates?: boolean
}

export interface Change {
  readonly record: SalesforceRecord
  readonly type: 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE'
  /** Fields whose value is another one now. */
  readonly changed: readonly string[]
  readonly author: Author
  /** The same for all changes of one call. */
  readonly transaction: number
}

export interface Surroundings {
  readonly schema: Schema
  /** Told of changes once they stay: not of those a group takes back. */
  readonly changed: (change: Change) => void
  /** Whether somebody else holds the row right now. */
  readonly isLocked: () => boolean
  /** Whether contacts with an e-mail address that another one has are refused. */
  readonly refuseDuplicates: boolean
}

/** Deleted records stay in the recycle bin this long. */
export const recycleBinMs = 15 * 86_400_000

export class Records {
  readonly #shelf: Shelf<SalesforceRecord>
  readonly #byObject = new Map<ObjectName, Map<string, SalesforceRecord>>()
  /** 'Contact.External_Id__c' → lower-case value → ids of live records. */
  readonly #external = new Map<string, Map<string, Set<string>>>()
  readonly #store: Store
  readonly #account: string
  readonly #now: () => number
  readonly #schema: Schema
  readonly #surroundings: Surroundings
  #transaction = 0
  #pending: Change[] | undefined
  /** What records were before the group of writes under way; undefined outside one. */
  #before: Map<string, SalesforceRecord | undefined> | undefined

  constructor(account: string, store: Store, now: () => number, surroundings: Surroundings) {
    this.#account = account
    this.#store = store
    this.#now = now
    this.#schema = surroundings.schema
    this.#surroundings = surroundings
    this.#shelf = store.shelf(account, 'record')
    for (const record of this.#shelf.values()) {
      this.#of(record.object).set(record.id, record)
      this.#index(record)
    }
  }

  /** Records of one object in the order of their ids, the deleted ones too. */
  all(object: ObjectName): MapIterator<SalesforceRecord> {
    return this.#of(object).values()
  }

  /** How many are not deleted. */
  liveCount(object: ObjectName): number {
    let count = 0
    for (const { deletedAt } of this.all(object)) if (deletedAt === undefined) count++
    return count
  }

  /** The record with this 15- or 18-character id, deleted or not. */
  get(object: ObjectName, id: string): SalesforceRecord | undefined {
    const longId = toLongId(id)
    return longId === undefined ? undefined : this.#of(object).get(longId)
  }

  /** The record of any of these objects with this id: references may lead to several. */
  find(objects: readonly ObjectName[], id: string): SalesforceRecord | undefined {
    for (const object of objects) {
      const record = this.get(object, id)
      if (record) return record
    }
    return undefined
  }

  /** Throws NOT_FOUND, and ENTITY_IS_DELETED (404) for what lies in the recycle bin. */
  required(object: ObjectName, id: string): SalesforceRecord {
    const record = this.get(object, id)
    if (!record) throw notFound('Provided external ID field does not exist or is not accessible: ' + id)
    if (record.deletedAt !== undefined) throw new SalesforceRefusal(404, 'ENTITY_IS_DELETED', 'entity is deleted')
    return record
  }

  /** Live records whose external id field has this value. */
  byExternalId(object: ObjectName, field: Field, value: string): SalesforceRecord[] {
    const ids = this.#external.get(`${object}.${field.name}`)?.get(value.toLowerCase()) ?? []
    return [...ids].map((id) => this.#of(object).get(id)!)
  }

  create(object: ObjectName, input: Readonly<Record<string, unknown>>, author: Author): SalesforceRecord {
    if (!this.#schema.facts(object).writable) {
      throw new SalesforceRefusal(
        400,
        'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
        `entity type cannot be inserted: ${object}`,
      )
    }
    const values = { ...this.#defaults(object), ...this.#check(object, input) }
    const missing = this.#schema
      .fields(object)
      .all()
      .filter(({ name, required }) => required && (values[name] ?? null) === null)
    this.#refuseMissing(missing)
    if (!author.allowDuplicates) this.#refuseDuplicate(object, values)
    const now = toSecond(this.#now())
    const { prefix } = this.#schema.facts(object)
    const id = recordId(prefix, this.#account.slice(3), this.#store.next(this.#account, `record.${object}`))
    const record: SalesforceRecord = {
      id,
      object,
      values: { OwnerId: author.userId, ...values },
      createdAt: now,
      modifiedAt: now,
      createdBy: author.userId,
      modifiedBy: author.userId,
    }
    this.#remember(id, undefined)
    this.#save(record)
    this.#tell({ record, type: 'CREATE', changed: [], author })
    return record
  }

  update(record: SalesforceRecord, input: Readonly<Record<string, unknown>>, author: Author): SalesforceRecord {
    if (record.deletedAt !== undefined) throw new SalesforceRefusal(404, 'ENTITY_IS_DELETED', 'entity is deleted')
    if (!this.#schema.facts(record.object).writable)
      throw new SalesforceRefusal(403, 'INSUFFICIENT_ACCESS', 'insufficient access rights on object id')
    const values = this.#check(record.object, input, record)
    const emptied = this.#schema
      .fields(record.object)
      .all()
      .filter(({ name, required }) => required && values[name] === null)
    this.#refuseMissing(emptied)
    if (this.#surroundings.isLocked()) throw rowLocked()
    this.#remember(record.id, record)
    this.#unindex(record)
    const changed = Object.keys(values).filter((name) => (record.values[name] ?? null) !== (values[name] ?? null))
    Object.assign(record.values, values)
    record.modifiedAt = toSecond(this.#now())
    record.modifiedBy = author.userId
    this.#save(record)
    // A write of the same values moves the dates, but no change event tells of it.
    if (changed.length > 0) this.#tell({ record, type: 'UPDATE', changed, author })
    return record
  }

  /** Moves to the recycle bin; what belongs to the record goes with it. Returns how many went. */
  delete(record: SalesforceRecord, author: Author): number {
    if (record.deletedAt !== undefined) throw new SalesforceRefusal(404, 'ENTITY_IS_DELETED', 'entity is deleted')
    if (!this.#schema.facts(record.object).writable)
      throw new SalesforceRefusal(403, 'INSUFFICIENT_ACCESS', 'insufficient access rights on object id')
    this.#remember(record.id, record)
    this.#unindex(record)
    const now = toSecond(this.#now())
    record.deletedAt = now
    record.modifiedAt = now
    record.modifiedBy = author.userId
    this.#save(record)
    this.#tell({ record, type: 'DELETE', changed: [], author })
    return 1 + this.#deleteOwned(record, author)
  }

  // Contacts and opportunities go with their account, tasks and notes with what they are about.
  #deleteOwned(record: SalesforceRecord, author: Author): number {
    let count = 0
    for (const [object, fields] of owned[record.object] ?? []) {
      for (const other of this.all(object)) {
        if (other.deletedAt !== undefined || !fields.some((field) => other.values[field] === record.id)) continue
        count += this.delete(other, author)
      }
    }
    return count
  }

  /** Takes a record out of the recycle bin. */
  undelete(record: SalesforceRecord, author: Author): void {
    if (record.deletedAt === undefined)
      throw new SalesforceRefusal(400, 'UNDELETE_FAILED', 'Entity is not in the recycle bin')
    if (record.deletedAt <= this.#now() - recycleBinMs || record.values['MasterRecordId']) {
      throw new SalesforceRefusal(400, 'UNDELETE_FAILED', 'Entity is not in the recycle bin')
    }
    for (const field of this.#schema.fields(record.object).all()) {
      this.#refuseTaken(record.object, field, record.values[field.name] ?? null, record)
    }
    this.#remember(record.id, record)
    delete record.deletedAt
    record.modifiedAt = toSecond(this.#now())
    record.modifiedBy = author.userId
    this.#save(record)
    this.#tell({ record, type: 'UNDELETE', changed: [], author })
  }

  /** The losers go to the recycle bin with the master's id; what named them names the master. Its values stay. */
  merge(master: SalesforceRecord, losers: readonly SalesforceRecord[], author: Author): void {
    for (const loser of losers) {
      if (loser.object !== master.object || loser === master) {
        throw new SalesforceRefusal(400, 'INVALID_ID_FIELD', 'records to merge must be others of the same object')
      }
      for (const object of this.#schema.names()) {
        const references = this.#schema
          .fields(object)
          .all()
          .filter((field) => field.referenceTo?.includes(loser.object) && field.writable)
        for (const record of this.all(object)) {
          if (record.deletedAt !== undefined) continue
          const named = references.filter(({ name }) => record.values[name] === loser.id)
          if (named.length > 0)
            this.update(record, Object.fromEntries(named.map(({ name }) => [name, master.id])), author)
        }
      }
      this.delete(loser, author)
      loser.values['MasterRecordId'] = master.id
      this.#save(loser)
    }
    this.update(master, {}, author)
  }

  /** Runs writes that `keep` may still take back: when it says no, every record is what it was. */
  group<T>(work: () => T, keep: (result: T) => boolean): T {
    const outer = this.#before
    const before = new Map<string, SalesforceRecord | undefined>()
    this.#before = before
    const outerPending = this.#pending
    const pending: Change[] = []
    this.#pending = pending
    if (!outer) this.#transaction++
    let kept = false
    try {
      const result = work()
      kept = keep(result)
      return result
    } finally {
      this.#before = outer
      this.#pending = outerPending
      if (kept) for (const change of pending) this.#pass(change)
      if (!kept) this.#restore(before)
      else if (outer) for (const [id, record] of before) if (!outer.has(id)) outer.set(id, record)
    }
  }

  /** Puts a record in place as it is: for the user that comes with the organization. */
  plant(record: SalesforceRecord): void {
    this.#save(record)
  }

  clear(): void {
    for (const object of this.#schema.names()) {
      if (!this.#schema.facts(object).writable) continue
      for (const id of this.#of(object).keys()) this.#shelf.delete(id)
      this.#of(object).clear()
    }
    this.#external.clear()
  }

  #check(
    object: ObjectName,
    input: Readonly<Record<string, unknown>>,
    existing?: SalesforceRecord,
  ): Record<string, Value> {
    const values: Record<string, Value> = {}
    for (const [name, raw] of Object.entries(input)) {
      if (name === 'attributes') continue
      const field = this.#schema.fields(object).get(name)
      if (!field) throw invalidField(name, object)
      if (!field.writable || (field.fixed && existing)) {
        const message = `Unable to create/update fields: ${field.name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`
        throw new SalesforceRefusal(400, 'INVALID_FIELD_FOR_INSERT_UPDATE', message, [field.name])
      }
      values[field.name] = normalizeValue(field, raw)
      this.#refuseReference(field, values[field.name] ?? null)
      this.#refuseTaken(object, field, values[field.name] ?? null, existing)
    }
    return values
  }

  #defaults(object: ObjectName): Record<string, Value> {
    const fields = this.#schema.fields(object).all()
    return Object.fromEntries(fields.flatMap((field) => (field.default === null ? [] : [[field.name, field.default]])))
  }

  #refuseMissing(missing: readonly Field[]): void {
    if (missing.length === 0) return
    const names = missing.map(({ name }) => name)
    throw new SalesforceRefusal(
      400,
      'REQUIRED_FIELD_MISSING',
      `Required fields are missing: [${names.join(', ')}]`,
      names,
    )
  }

  #refuseReference(field: Field, value: Value): void {
    if (field.referenceTo === undefined || value === null) return
    const target = this.find(field.referenceTo, String(value))
    if (target && target.deletedAt === undefined) return
    const [status, code, message] = target
      ? ([400, 'ENTITY_IS_DELETED', 'entity is deleted'] as const)
      : ([400, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id'] as const)
    throw new SalesforceRefusal(status, code, message, [field.name])
  }

  #refuseTaken(object: ObjectName, field: Field, value: Value, existing?: SalesforceRecord): void {
    if (!field.unique || value === null) return
    const holder = this.byExternalId(object, field, String(value)).find(({ id }) => id !== existing?.id)
    if (!holder) return
    const message = `duplicate value found: ${field.name} duplicates value on record with id: ${holder.id.slice(0, 15)}`
    throw new SalesforceRefusal(400, 'DUPLICATE_VALUE', message, [])
  }

  #tell(change: Omit<Change, 'transaction'>): void {
    if (!this.#pending) this.#transaction++
    this.#pass({ ...change, transaction: this.#transaction })
  }

  #pass(change: Change): void {
    if (this.#pending) this.#pending.push(change)
    else this.#surroundings.changed(change)
  }

  #refuseDuplicate(object: ObjectName, values: Readonly<Record<string, Value>>): void {
    const email = values['Email'] ?? null
    if (!this.#surroundings.refuseDuplicates || object !== 'Contact' || email === null) return
    for (const other of this.all(object)) {
      if (other.deletedAt === undefined && other.values['Email'] === email) {
        throw new SalesforceRefusal(400, 'DUPLICATES_DETECTED', 'Use one of these records?', [])
      }
    }
  }

  #remember(id: string, record: SalesforceRecord | undefined): void {
    if (this.#before && !this.#before.has(id)) this.#before.set(id, record && structuredClone(record))
  }

  #restore(before: ReadonlyMap<string, SalesforceRecord | undefined>): void {
    for (const [id, record] of before) {
      const current = this.#shelf.get(id)
      if (current) this.#unindex(current)
      if (record) this.#save(record)
      else {
        this.#shelf.delete(id)
        if (current) this.#of(current.object).delete(id)
      }
    }
  }

  #save(record: SalesforceRecord): void {
    this.#shelf.set(record.id, record)
    this.#of(record.object).set(record.id, record)
    this.#index(record)
  }

  #index(record: SalesforceRecord): void {
    if (record.deletedAt !== undefined) return
    for (const field of this.#schema.fields(record.object).all()) {
      const value = record.values[field.name]
      if (!(field.externalId || field.unique) || value === null || value === undefined) continue
      const name = `${record.object}.${field.name}`
      const values = this.#external.get(name) ?? new Map<string, Set<string>>()
      this.#external.set(name, values)
      const key = String(value).toLowerCase()
      const ids = values.get(key) ?? new Set<string>()
      values.set(key, ids)
      ids.add(record.id)
    }
  }

  #unindex(record: SalesforceRecord): void {
    for (const field of this.#schema.fields(record.object).all()) {
      const value = record.values[field.name]
      if (value === null || value === undefined) continue
      this.#external.get(`${record.object}.${field.name}`)?.get(String(value).toLowerCase())?.delete(record.id)
    }
  }

  #of(object: ObjectName): Map<string, SalesforceRecord> {
    const known = this.#byObject.get(object) ?? new Map<string, SalesforceRecord>()
    this.#byObject.set(object, known)
    return known
  }
}

const owned: Readonly<Record<ObjectName, readonly (readonly [object: ObjectName, fields: readonly string[]])[]>> = {
  Account: [
    ['Contact', ['AccountId']],
    ['Opportunity', ['AccountId']],
    ['Task', ['WhatId']],
    ['Note', ['ParentId']],
  ],
  Contact: [
    ['Task', ['WhoId']],
    ['Note', ['ParentId']],
  ],
  Opportunity: [
    ['Task', ['WhatId']],
    ['Note', ['ParentId']],
  ],
}

function rowLocked(): SalesforceRefusal {
  return new SalesforceRefusal(400, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record', [])
}
