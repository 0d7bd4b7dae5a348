// What a row that changed means for the CRM. Pure. The current row counts, not each step to it.
import type { FieldValues } from '@rowhouse/connectors'
import { laterVersion, unsent } from './link.ts'
import type { DeletePolicy, Link, Pending } from './link.ts'

export type OutboundPlan =
  | { readonly kind: 'none' }
  /** Not now: the first merge with the CRM's record has to come before. */
  | { readonly kind: 'wait' }
  /** A call may have been made whose end is not known: look before doing anything. */
  | { readonly kind: 'settle_first' }
  | { readonly kind: 'create'; readonly fields: FieldValues }
  | { readonly kind: 'update'; readonly remoteId: string; readonly fields: FieldValues; readonly priorVersion: string }
  /** `priorVersion` null: nothing of it was ever seen. */
  | { readonly kind: 'delete'; readonly remoteId: string; readonly priorVersion: string | null }
  /** The row is gone and the CRM's record stays: forget the pair. */
  | { readonly kind: 'detach' }

export interface OutboundInput {
  readonly link: Link | null
  readonly pending: Pending | null
  /** Writable fields of the row, without references to parents that are not linked; null when deleted. */
  readonly local: FieldValues | null
}

/** Decides the one call that brings the CRM to the row's current values. */
export function planOutbound(input: OutboundInput, deletePolicy: DeletePolicy): OutboundPlan {
  const { link, local, pending } = input
  if (pending !== null) return { kind: 'settle_first' }
  if (link === null) return local === null ? { kind: 'none' } : { kind: 'create', fields: filled(local) }
  if (link.state === 'tombstoned') return { kind: 'none' }
  // Looked up and not found: created again with the same token, which the CRM refuses if it came late.
  if (link.state === 'creating' || link.remoteId === null)
    return local === null ? { kind: 'detach' } : { kind: 'create', fields: filled(local) }
  if (local === null)
    return deletePolicy === 'propagate'
      ? { kind: 'delete', remoteId: link.remoteId, priorVersion: laterVersion(link.seen, link.written) }
      : { kind: 'detach' }
  // Linked but never merged: every field would look changed and overwrite what the CRM has.
  if (link.seen === null) return { kind: 'wait' }
  const fields = unsent(link.base, local)
  if (Object.keys(fields).length === 0) return { kind: 'none' }
  return {
    kind: 'update',
    remoteId: link.remoteId,
    fields,
    priorVersion: laterVersion(link.seen, link.written) ?? link.seen,
  }
}

const filled = (fields: FieldValues): FieldValues =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
