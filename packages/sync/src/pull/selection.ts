// What a connector is asked for: the mapped fields and parents of an object.
import type { ObjectSelection, RemoteRecord } from '@rowhouse/connectors'
import type { MappedObject } from '../mapping/mapping.ts'

export const selectionOf = (mapped: MappedObject): ObjectSelection => ({
  object: mapped.object,
  fields: mapped.fields.map(({ field }) => field),
  references: mapped.references.map(({ reference }) => reference),
  ...(mapped.definition ? { definition: mapped.definition } : {}),
})

/** A record that is gone, as far as it can be told. */
export const deletedRecord = (id: string, deletedAt: string): RemoteRecord => ({
  id,
  fields: {},
  references: {},
  modifiedAt: deletedAt,
  createdAt: deletedAt,
  deleted: true,
})
