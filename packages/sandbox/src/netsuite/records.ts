// The records of one company: creating, changing, deleting, finding, external ids. Owns the rules of a
// single record; requests and answers live beside it. A write is checked completely before anything is
// changed. Time has the precision of a second, as in NetSuite, so many records share one.
import { textOf } from '../http/text.ts'
import type { Shelf, Store } from '../store/store.ts'
import { invalidContent, noSuchRecord, userError } from './errors.ts'
import { lineValues, mergeLines } from './lines.ts'
import type { Line } from './lines.ts'
import { planted } from './record-types.ts'
import type { Field, RecordType } from './record-types.ts'
import type { Schema } from './schema.ts'
import { normalizeValue } from './values.ts'
import type { Value } from './values.ts'

export interface NetsuiteRecord {
  readonly id: string
  readonly type: string
  /** What clients set; ids, dates and totals are derived. */
  values: Record<string, Value>
  lines: Record<string, Line[]>
  readonly createdAt: number
  modifiedAt: number
}

export interface DeletedRecord {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly deletedAt: number
  readonly deletedBy: string
  /** Who did it: the user interface or web services. */
  readonly context: string
}

export interface Author {
  readonly entity: string
  readonly context: 'UIF' | 'RST'
}

export class Records {
  readonly #schema: Schema
  readonly #store: Store
  readonly #account: string
  readonly #now: () => number
  readonly #shelf: Shelf<NetsuiteRecord>
  readonly #deleted: Shelf<DeletedRecord>
  readonly #byType = new Map<string, Map<string, NetsuiteRecord>>()
  /** 'customer externalId' → value → id, for what is unique. */
  readonly #unique = new Map<string, Map<string, string>>()

  constructor(account: string, store: Store, now: () => number, schema: Schema) {
    this.#account = account
    this.#store = store
    this.#now = now
    this.#schema = schema
    this.#shelf = store.shelf(account, 'record')
    this.#deleted = store.shelf(account, 'deleted')
    for (const record of this.#shelf.values()) this.#hold(record)
    if (this.#shelf.size === 0) this.#plant()
  }

  /** Records of one type in the order of their ids. */
  all(type: string): MapIterator<NetsuiteRecord> {
    return this.#of(type).values()
  }

  count(type: string): number {
    return this.#of(type).size
  }

  deleted(): MapIterator<DeletedRecord> {
    return this.#deleted.values()
  }

  get(type: string, id: string): NetsuiteRecord | undefined {
    return this.#of(type).get(id)
  }

  /** The record with this id, or `eid:` and its external id. Throws NONEXISTENT_ID. */
  required(type: RecordType, id: string): NetsuiteRecord {
    const record = id.startsWith('eid:') ? this.byExternalId(type.name, id.slice(4)) : this.get(type.name, id)
    if (!record) throw noSuchRecord()
    return record
  }

  byExternalId(type: string, externalId: string): NetsuiteRecord | undefined {
    const id = this.#unique.get(`${type} externalId`)?.get(externalId.toLowerCase())
    return id === undefined ? undefined : this.get(type, id)
  }

  /** Throws INVALID_CONTENT and USER_ERROR. */
  create(type: RecordType, input: Readonly<Record<string, unknown>>, author: Author): NetsuiteRecord {
    if (!type.writable) throw userError(`You do not have permission to create a ${type.title} record.`)
    const { values, lines } = this.#check(type, input, undefined, new Set())
    const missing = type.fields.filter(({ name, required }) => required && (values[name] ?? null) === null)
    if (missing.length > 0) throw missingFields(missing)
    const now = this.#second()
    const record: NetsuiteRecord = {
      id: this.#newId(type),
      type: type.name,
      values,
      lines,
      createdAt: now,
      modifiedAt: now,
    }
    this.#complete(type, record, author)
    this.#refuseTaken(type, record)
    this.#save(record)
    return record
  }

  /** Changes what is given; `replaced` sublists lose the lines that are not. */
  update(
    type: RecordType,
    record: NetsuiteRecord,
    input: Readonly<Record<string, unknown>>,
    author: Author,
    replaced: ReadonlySet<string> = new Set(),
  ): NetsuiteRecord {
    if (!type.writable) throw userError(`You do not have permission to edit a ${type.title} record.`)
    const { values, lines } = this.#check(type, input, record, replaced)
    const emptied = type.fields.filter(({ name, required }) => required && values[name] === null)
    if (emptied.length > 0) throw missingFields(emptied)
    const next = { ...record, values: { ...record.values, ...values }, lines: { ...record.lines, ...lines } }
    this.#complete(type, next, author)
    this.#refuseTaken(type, next)
    this.#release(record)
    Object.assign(record, { values: next.values, lines: next.lines, modifiedAt: this.#second() })
    this.#save(record)
    return record
  }

  /** Throws USER_ERROR while transactions name the record. */
  delete(type: RecordType, record: NetsuiteRecord, author: Author): void {
    if (!type.writable) throw userError(`You do not have permission to delete a ${type.title} record.`)
    if (this.#isNamedByTransactions(type, record)) {
      throw userError('This record cannot be deleted because it has dependent records.')
    }
    this.#drop(record, author)
  }

  /** The duplicate disappears; what named it names the record that remains. Values stay those of the latter. */
  merge(type: RecordType, into: NetsuiteRecord, duplicate: NetsuiteRecord, author: Author): void {
    if (type.kind !== 'entity' || into === duplicate) throw userError('These records cannot be merged.')
    for (const { type: other, field, onLines } of this.#referencesTo(type)) {
      if (onLines) continue
      for (const record of this.all(other.name)) {
        if (record.values[field.name] !== duplicate.id) continue
        record.values[field.name] = record.id === into.id ? null : into.id
        record.modifiedAt = this.#second()
        this.#save(record)
      }
    }
    into.modifiedAt = this.#second()
    this.#drop(duplicate, author)
    this.#save(into)
  }

  clear(): void {
    for (const type of this.#schema.all()) {
      if (!type.writable) continue
      for (const id of this.#of(type.name).keys()) this.#shelf.delete(`${type.name} ${id}`)
      this.#of(type.name).clear()
      for (const name of this.#unique.keys()) if (name.startsWith(`${type.name} `)) this.#unique.delete(name)
    }
    this.#deleted.clear()
  }

  #check(
    type: RecordType,
    input: Readonly<Record<string, unknown>>,
    existing: NetsuiteRecord | undefined,
    replaced: ReadonlySet<string>,
  ): { values: Record<string, Value>; lines: Record<string, Line[]> } {
    const values: Record<string, Value> = {}
    const lines: Record<string, Line[]> = {}
    const find = this.#find
    for (const [name, raw] of Object.entries(input)) {
      // Links and the id come along when an answer is sent back; NetSuite passes over them.
      if (name === 'links' || name === 'id' || name === 'refName') continue
      const sublist = type.sublists.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
      if (sublist) {
        const given = lineValues(sublist, raw, find)
        const kept = replaced.has(sublist.name) ? [] : (existing?.lines[sublist.name] ?? [])
        lines[sublist.name] = mergeLines(sublist, kept, given)
        continue
      }
      const field = type.fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
      if (!field)
        throw invalidContent(`Unknown reference or field: ${name}. Provide a name of the record's metadata.`, name)
      // What only NetSuite writes is passed over too, so that an answer can be sent back.
      if (!field.readOnly) values[field.name] = normalizeValue(field, raw, field.name, find)
    }
    return { values, lines }
  }

  readonly #find = (type: string, by: Readonly<Record<string, unknown>>): string | undefined => {
    if (by['id'] !== undefined) return this.get(type, textOf(by['id']))?.id
    if (by['externalId'] !== undefined) return this.byExternalId(type, textOf(by['externalId']))?.id
    for (const record of this.all(type)) if (nameOf(record) === by['refName']) return record.id
    return undefined
  }

  // What NetSuite fills in: names, numbers, dates and totals.
  #complete(type: RecordType, record: NetsuiteRecord, author: Author): void {
    const { values, lines } = record
    if (type.kind === 'entity') {
      values['subsidiary'] ??= '1'
      if (type.name === 'customer') {
        values['isPerson'] ??= false
        values['currency'] ??= '1'
        values['balance'] ??= 0
        values['entityStatus'] ??= '13'
        const wanted = values['isPerson'] === true ? 'lastName' : 'companyName'
        if ((values[wanted] ?? null) === null) throw missingFields([{ name: wanted }])
      }
      values['entityId'] ??= personName(values) || textOf(values['companyName'])
      if (values['entityId'] === '') throw missingFields([{ name: 'entityId' }])
    }
    if (type.kind !== 'transaction') return
    const items = lines['item'] ?? []
    if (items.length === 0) throw userError('Please enter at least one line item for this transaction.')
    for (const line of items) {
      const basePrice = this.get('inventoryItem', textOf(line['item']))?.values['basePrice']
      line['quantity'] ??= 1
      line['rate'] ??= typeof basePrice === 'number' ? basePrice : 0
      line['amount'] = Number(line['quantity']) * Number(line['rate'])
    }
    const subtotal = items.reduce((sum, line) => sum + Number(line['amount']), 0)
    Object.assign(values, { subtotal, total: subtotal + Number(values['shippingCost'] ?? 0) })
    values['tranId'] ??= `SO${record.id}`
    values['tranDate'] ??= new Date(this.#now()).toISOString().slice(0, 10)
    values['orderStatus'] ??= author.context === 'UIF' ? 'B' : 'A'
    values['status'] = values['orderStatus']
    values['currency'] ??= '1'
    values['exchangeRate'] ??= 1
    values['subsidiary'] ??= '1'
  }

  #refuseTaken(type: RecordType, record: NetsuiteRecord): void {
    for (const { field, value } of this.#uniqueValues(record)) {
      const holder = this.#unique.get(`${type.name} ${field}`)?.get(value)
      if (holder === undefined || holder === record.id) continue
      if (field === 'externalId') {
        throw userError('This record already exists. The externalId that was given belongs to another record.')
      }
      const title = type.title.toLowerCase()
      throw userError(
        field === 'entityId'
          ? `A ${title} record with this name already exists. Every ${title} record must have a unique name.`
          : `A ${title} record with this ${field} already exists.`,
      )
    }
  }

  #uniqueValues(record: NetsuiteRecord): { field: string; value: string }[] {
    const type = this.#schema.required(record.type)
    const own = ['externalId', ...type.fields.filter(({ unique }) => unique).map(({ name }) => name)]
    const values = own.flatMap((field) => {
      const value = record.values[field] ?? null
      return value === null ? [] : [{ field, value: textOf(value).toLowerCase() }]
    })
    if (type.name !== 'contact' && type.name !== 'customer') return values
    // A contact's name is unique within its company, a customer's everywhere.
    const within = type.name === 'contact' ? `\n${textOf(record.values['company'])}` : ''
    return [...values, { field: 'entityId', value: textOf(record.values['entityId']).toLowerCase() + within }]
  }

  #referencesTo(type: RecordType): { type: RecordType; field: Field; onLines: boolean }[] {
    return this.#schema.all().flatMap((other) => {
      const leads = ({ referenceTo }: Field): boolean => referenceTo === type.name
      return [
        ...other.fields.filter((field) => leads(field)).map((field) => ({ type: other, field, onLines: false })),
        ...other.sublists
          .flatMap(({ fields }) => fields.filter((field) => leads(field)))
          .map((field) => ({ type: other, field, onLines: true })),
      ]
    })
  }

  #isNamedByTransactions(type: RecordType, record: NetsuiteRecord): boolean {
    return this.#referencesTo(type)
      .filter(({ type: other }) => other.kind === 'transaction')
      .some(({ type: other, field, onLines }) => {
        for (const candidate of this.all(other.name)) {
          if (!onLines && candidate.values[field.name] === record.id) return true
          const lines = onLines ? Object.values(candidate.lines).flat() : []
          if (lines.some((line) => line[field.name] === record.id)) return true
        }
        return false
      })
  }

  #newId(type: RecordType): string {
    // Companies start at different numbers, so an id that leaks from one to another is not found there.
    const base = (Number.parseInt(this.#account.replace(/\D/g, '').slice(-4) || '0', 10) % 1000) * 1_000_000
    return String(base + this.#store.next(this.#account, `record.${type.kind === 'custom' ? type.name : type.kind}`))
  }

  #drop(record: NetsuiteRecord, author: Author): void {
    this.#release(record)
    this.#shelf.delete(`${record.type} ${record.id}`)
    this.#of(record.type).delete(record.id)
    const ordinal = this.#store.next(this.#account, 'deleted')
    this.#deleted.set(String(ordinal), {
      id: record.id,
      type: record.type,
      name: nameOf(record),
      deletedAt: this.#second(),
      deletedBy: author.entity,
      context: author.context,
    })
  }

  #plant(): void {
    for (const { type, id, values } of planted) {
      this.#save({ id, type, values: values as Record<string, Value>, lines: {}, createdAt: 0, modifiedAt: 0 })
    }
  }

  #save(record: NetsuiteRecord): void {
    this.#shelf.set(`${record.type} ${record.id}`, record)
    this.#hold(record)
  }

  #hold(record: NetsuiteRecord): void {
    this.#of(record.type).set(record.id, record)
    for (const { field, value } of this.#uniqueValues(record)) {
      const holders = this.#unique.get(`${record.type} ${field}`) ?? new Map<string, string>()
      this.#unique.set(`${record.type} ${field}`, holders)
      holders.set(value, record.id)
    }
  }

  #release(record: NetsuiteRecord): void {
    for (const { field, value } of this.#uniqueValues(record)) {
      const holders = this.#unique.get(`${record.type} ${field}`)
      if (holders?.get(value) === record.id) holders.delete(value)
    }
  }

  #of(type: string): Map<string, NetsuiteRecord> {
    const known = this.#byType.get(type) ?? new Map<string, NetsuiteRecord>()
    this.#byType.set(type, known)
    return known
  }

  #second(): number {
    return Math.floor(this.#now() / 1000) * 1000
  }
}

/** What references show of a record. */
export function nameOf({ id, values }: NetsuiteRecord): string {
  for (const name of ['entityId', 'tranId', 'itemId', 'name']) {
    const value = values[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return id
}

function personName(values: Readonly<Record<string, Value>>): string {
  return ['firstName', 'middleName', 'lastName']
    .map((name) => textOf(values[name]))
    .filter((part) => part !== '')
    .join(' ')
}

function missingFields(missing: readonly { readonly name: string }[]): Error {
  return userError(`Please enter value(s) for: ${missing.map(({ name }) => name).join(', ')}`)
}
