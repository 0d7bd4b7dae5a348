// A CRM in memory: normalises, refuses a second unique value, orders versions, indexes late, and honours
// conditions. Every value a person writes is unique, so a value tells who wrote it.
import type { FieldValue, FieldValues } from '@rowhouse/connectors'

export interface CrmRecord {
  readonly id: string
  fields: Record<string, FieldValue>
  version: number
  /** The poll's index shows this version only now. */
  indexed: { fields: FieldValues; version: number } | null
  deleted: boolean
  readonly token: string | null
  /** What each field held, newest first. */
  readonly history: Record<string, { readonly value: FieldValue; readonly version: number }[]>
}

export type CrmWrite =
  | { readonly outcome: 'done'; readonly record: CrmRecord }
  | { readonly outcome: 'exists'; readonly id: string }
  | { readonly outcome: 'changed' }
  | { readonly outcome: 'gone' }

export const normalise = (value: FieldValue): FieldValue => value?.trim().toLowerCase() ?? null

export class Crm {
  readonly records = new Map<string, CrmRecord>()
  /** Writes of the engine that changed nothing. */
  idleWrites = 0
  /** With it a repeated create overwrites what it finds. Only to show what that breaks. */
  readonly #upserts: boolean
  #clock = 0

  constructor(upserts: boolean) {
    this.#upserts = upserts
  }

  create(fields: FieldValues, token: string | null): CrmWrite {
    const twin = token === null ? undefined : [...this.records.values()].find((record) => record.token === token)
    if (twin !== undefined && !this.#upserts) return { outcome: 'exists', id: twin.id }
    if (twin !== undefined) return this.update(twin.id, fields, null)
    const id = `r${this.records.size + 1}`
    const record: CrmRecord = {
      id,
      fields: { a: null, b: null },
      version: 0,
      indexed: null,
      deleted: false,
      token,
      history: {},
    }
    this.records.set(id, record)
    this.#write(record, fields)
    return { outcome: 'done', record }
  }

  update(id: string, fields: FieldValues, expected: number | null): CrmWrite {
    const record = this.records.get(id)
    if (record === undefined || record.deleted) return { outcome: 'gone' }
    if (expected !== null && record.version > expected) return { outcome: 'changed' }
    const before = JSON.stringify(record.fields)
    this.#write(record, fields)
    if (JSON.stringify(record.fields) === before) this.idleWrites += 1
    return { outcome: 'done', record }
  }

  remove(id: string): void {
    const record = this.records.get(id)
    if (record === undefined || record.deleted) return
    record.deleted = true
    record.version = ++this.#clock
  }

  /** The index is never later than this many writes: what the poll's overlap relies on. */
  indexWithin(writes: number): void {
    for (const record of this.records.values()) if (this.#clock - record.version >= writes) this.index(record)
  }

  /** The index catches up with a record. */
  index(record: CrmRecord): void {
    record.indexed = { fields: { ...record.fields }, version: record.version }
  }

  #write(record: CrmRecord, fields: FieldValues): void {
    record.version = ++this.#clock
    for (const [field, value] of Object.entries(fields)) {
      const kept = normalise(value)
      if (kept === record.fields[field]) continue
      record.fields[field] = kept
      record.history[field] = [{ value: kept, version: record.version }, ...(record.history[field] ?? [])]
    }
  }
}

export const versionText = (version: number): string => String(version).padStart(12, '0')
