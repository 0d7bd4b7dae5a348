// What a connector is asked for: the mapped fields and parents of an object.
import type { ObjectSelection, RemoteRecord } from '@rowhouse/connectors'
import type { MappedObject } from '../mapping/mapping.ts'

export const selectionOf = (mapped: MappedObject): ObjectSelection => ({
  object: mapped.object,
  fields: mapped.fields.map(({ field }) => field),
  references: mapped.references.map(({ reference }) => reference),
  ...(mapped.definition ? { definition: mapped.definition } : {}),
})

/** A record, and when it was asked for where it was asked for by its id: such a read lags behind nothing. */
export interface ReadRecord extends RemoteRecord {
  /** By the provider's clock; ISO-8601, UTC, milliseconds. */
  readonly readAt?: string
}

/** A record that is gone, as far as it can be told. */
export const deletedRecord = (id: string, deletedAt: string): RemoteRecord => ({
  id,
  fields: {},
  references: {},
  modifiedAt: deletedAt,
  createdAt: deletedAt,
  deleted: true,
})
