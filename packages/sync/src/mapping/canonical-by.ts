// The canonical form of a mapping's fields: the connector's, with what the mapping knows of each object. Pure.
import type { Connector } from '@rowhouse/connectors'
import type { ConnectionScope } from '../apply/scope.ts'
import type { MappedObject } from './mapping.ts'

export function canonicalBy(connector: Connector, objects: readonly MappedObject[]): ConnectionScope['canonical'] {
  const definitions = new Map(objects.map(({ object, definition }) => [object, definition ?? undefined]))
  return (object, field, value) => connector.canonical(object, field, value, definitions.get(object))
}
