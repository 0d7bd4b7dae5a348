// The words the planner thinks in: a link, what was sent and not settled, a side's view of a record.
// References to parents are fields too, named '@company', whose value is the parent's remote id: so one
// merge covers both, and a parent that has no link yet is a field that side cannot tell.
import type { FieldValues } from '@rowhouse/connectors'
import type { MergeConflict, MergeOptions } from '../merge/merge.ts'

/** `creating`: the create may or may not have reached the CRM · `tombstoned`: gone on one side, remembered. */
export type LinkState = 'creating' | 'linked' | 'tombstoned'

export interface Link {
  readonly localId: string | null
  readonly remoteId: string | null
  readonly state: LinkState
  readonly createToken: string | null
  /** Last remote values taken into account, by field; a missing field has no base. */
  readonly base: FieldValues
  /** Last remote version that was merged in full; null: never, so nothing may be sent yet. */
  readonly seen: string | null
  /** Version of our own last write. */
  readonly written: string | null
}

/** A call that was committed before it was made, and whose end is not known yet. */
export interface Pending {
  readonly kind: 'create' | 'update' | 'delete'
  readonly sent: FieldValues
}

export interface RemoteView {
  readonly id: string
  /** Without the references whose parent is not linked here. */
  readonly fields: FieldValues
  readonly modifiedAt: string
  readonly deleted: boolean
  /** When it was asked for by its id; null: it comes from a page, which may be late. */
  readonly readAt?: string | null
}

/** What happens to the other side's record when one side's is deleted. */
export type DeletePolicy = 'propagate' | 'detach'

export interface PlanOptions extends MergeOptions {
  readonly deletePolicy: DeletePolicy
}

export type LocalChange =
  | { readonly kind: 'none' }
  | { readonly kind: 'insert'; readonly fields: FieldValues }
  | { readonly kind: 'update'; readonly fields: FieldValues }
  | { readonly kind: 'delete' }

/** What one look at a record leads to; applied in one transaction or not at all. */
export interface Effect {
  readonly local: LocalChange
  readonly link: Link
  readonly conflicts: readonly MergeConflict[]
  /** Something here has to be sent: the record is due outbound. */
  readonly dueOut: boolean
  /** The answer was too old or too thin: the record is due inbound. */
  readonly dueIn: boolean
}

export const referenceField = (reference: string): string => `@${reference}`
export const isReferenceField = (field: string): boolean => field.startsWith('@')

/** Fields where local differs from base: what has to be sent. */
export function unsent(base: FieldValues, local: FieldValues): FieldValues {
  return Object.fromEntries(Object.entries(local).filter(([field, value]) => value !== (base[field] ?? null)))
}

export const laterVersion = (a: string | null, b: string | null): string | null =>
  a === null ? b : b === null || a >= b ? a : b
