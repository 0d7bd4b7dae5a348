// What a provider remembers of a field: the values it held before, each with the time it was set at.
import type { Answer, FieldValue, ObjectSelection } from './connector.ts'
import type { ConnectorHttp } from './http.ts'

export interface ValueVersion {
  /** In canonical form. */
  readonly value: FieldValue
  /** ISO-8601, UTC, by the clock that `modifiedAt` has. */
  readonly at: string
}

export interface RecordHistory {
  readonly id: string
  /** By field of the selection, newest first; as many as the provider keeps. */
  readonly fields: Readonly<Record<string, readonly ValueVersion[]>>
}

export interface FieldHistory {
  /** Most records that one call tells of. */
  readonly recordsMax: number
  /** Any number of ids, of records that are deleted too, read in batches. Unknown ids are absent; references have no history. */
  read(
    http: ConnectorHttp,
    selection: ObjectSelection,
    ids: readonly string[],
  ): Promise<Answer<readonly RecordHistory[]>>
}
