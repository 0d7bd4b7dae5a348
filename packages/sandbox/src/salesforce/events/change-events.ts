// Change events of one organization: what was changed becomes an event with a replay id, kept for three
// days. Owns the events' shape, retention, gaps and overflow; cometd.ts delivers.
// https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm
import type { Shelf } from '../../store/store.ts'
import type { World } from '../../world.ts'
import { readField } from '../read-field.ts'
import type { Change } from '../records.ts'
import type { Schema } from '../schema.ts'

export const retentionMs = 72 * 3_600_000
/** Events kept at most, whatever their age. */
export const eventsMax = 100_000
/** What an overflow event names instead of records. */
const noRecord = '000000000000000AAA'
const neverTold = new Set(['Id', 'IsDeleted', 'SystemModstamp'])

export interface ChangeEvent {
  readonly replayId: number
  readonly object: string
  readonly at: number
  readonly payload: Readonly<Record<string, unknown>>
}

export class ChangeEvents {
  readonly #events: Shelf<ChangeEvent>
  readonly #world: World
  readonly #account: string
  readonly #schema: Schema
  readonly #listeners = new Set<(event: ChangeEvent) => void>()
  #gapsLeft = 0
  #lastTransaction = 0
  #sequence = 0

  constructor(world: World, account: string, schema: Schema) {
    this.#world = world
    this.#account = account
    this.#schema = schema
    this.#events = world.store.shelf(account, 'changeevent')
  }

  publish(change: Change): void {
    if (change.record.object === 'User') return
    const { record, type, author, transaction } = change
    const gap = this.#gapsLeft > 0
    if (gap) this.#gapsLeft--
    this.#sequence = transaction === this.#lastTransaction ? this.#sequence + 1 : 1
    this.#lastTransaction = transaction
    this.#add(record.object, {
      ...(gap ? {} : this.#fields(change)),
      ChangeEventHeader: this.#header(record.object, {
        recordIds: [record.id],
        changeType: gap ? `GAP_${type}` : type,
        changeOrigin: author.origin,
        transaction,
        commitUser: author.userId,
        ...(gap ? {} : this.#named(change)),
      }),
    })
  }

  /** The next changes are told without their values, as after trouble inside Salesforce. */
  gap(count: number): void {
    this.#gapsLeft += count
  }

  /** One event in place of more changes of the object than could be told. */
  overflow(object: string): void {
    const header = {
      recordIds: [noRecord],
      changeType: 'GAP_OVERFLOW',
      changeOrigin: '',
      transaction: ++this.#lastTransaction,
      commitUser: '',
    }
    this.#add(object, { ChangeEventHeader: this.#header(object, header) })
  }

  /** Forgets every event: their replay ids are not valid any more. */
  forget(): void {
    this.#events.clear()
  }

  /** Events after this replay id; undefined when it is not valid any more. */
  after(replayId: number): ChangeEvent[] | undefined {
    this.#expire()
    if (replayId === -2) return [...this.#events.values()]
    const last = this.#last()
    if (replayId === -1 || replayId === last) return []
    const oldest = this.#events.values().next().value?.replayId ?? last + 1
    if (replayId < oldest - 1 || replayId > last) return undefined
    return [...this.#events.values()].filter((event) => event.replayId > replayId)
  }

  listen(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #add(object: string, payload: Readonly<Record<string, unknown>>): void {
    const replayId = this.#world.store.next(this.#account, 'replay')
    const event = { replayId, object, at: this.#world.now(), payload }
    this.#events.set(String(replayId), event)
    if (this.#events.size > eventsMax) this.#events.delete(this.#events.entries().next().value![0])
    for (const listener of this.#listeners) listener(event)
  }

  #last(): number {
    return this.#world.store.shelf<number>(this.#account, 'sequence').get('replay') ?? 0
  }

  #expire(): void {
    for (const { replayId, at } of this.#events.values()) {
      if (at > this.#world.now() - retentionMs) break
      this.#events.delete(String(replayId))
    }
  }

  #header(
    entityName: string,
    { transaction, ...rest }: Readonly<Record<string, unknown>> & { readonly transaction: number },
  ): Record<string, unknown> {
    return {
      entityName,
      ...rest,
      transactionKey: this.#world.seeded.uuid(`transaction.${this.#account}.${transaction}`),
      sequenceNumber: this.#sequence || 1,
      commitTimestamp: this.#world.now(),
      commitNumber: this.#last() + 1,
    }
  }

  #named({ type, record, changed }: Change): Record<string, unknown> {
    return {
      nulledFields: type === 'UPDATE' ? changed.filter((name) => (record.values[name] ?? null) === null) : [],
      diffFields: [],
      changedFields: type === 'UPDATE' ? [...changed, 'LastModifiedDate'] : [],
    }
  }

  // A new or restored record is told whole, a changed one by its changes, a deleted one not at all.
  #fields({ type, record, changed }: Change): Record<string, unknown> {
    if (type === 'DELETE') return {}
    const wanted = type === 'UPDATE' ? new Set([...changed, 'LastModifiedDate']) : undefined
    const told: Record<string, unknown> = {}
    for (const field of this.#schema.fields(record.object).all()) {
      if (neverTold.has(field.name) || (wanted && !wanted.has(field.name))) continue
      const value = readField(record, field)
      if (value !== null || wanted) told[field.name] = value
    }
    return told
  }
}
