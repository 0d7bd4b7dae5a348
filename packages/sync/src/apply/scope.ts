// What a piece of work acts on: one object of one connection, held by one lane's epoch.
import type { FieldValue } from '@rowhouse/connectors'
import type { Organization } from 'rowhouse'
import type { Hold } from '../home/fence.ts'
import type { Direction } from '../home/marks.ts'
import type { LinkScope } from '../home/links.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import type { PlanOptions } from '../plan/link.ts'

export interface ConnectionScope {
  readonly organization: Organization
  readonly organizationId: string
  readonly connectionId: string
  readonly mappingVersion: number
  readonly objects: readonly MappedObject[]
  readonly hold: Hold
  /** The form in which a value of either side is compared; the connector's. */
  readonly canonical: (object: string, field: string, value: FieldValue) => FieldValue
  readonly options: PlanOptions
  /** Whether what an update wrote over is found in the provider's history, because no condition keeps it from being written over. */
  readonly looksBack: boolean
  /** The provider's clock minus ours, as measured; 0 before the first call. */
  readonly clockOffsetMs: () => number
  /** Now by the provider's clock; ISO-8601, UTC, milliseconds. */
  readonly providerNow: () => string
  /** Directions in which this run made something due; whoever ran it wakes their lanes. */
  readonly due: Set<Direction>
}

export const linkScope = (scope: ConnectionScope, object: MappedObject): LinkScope => ({
  connectionId: scope.connectionId,
  object: object.object,
  mappingVersion: scope.mappingVersion,
})
