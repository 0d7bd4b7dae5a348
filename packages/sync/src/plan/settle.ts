// What the CRM's answer to a write means for the link and the row. Pure.
import type { FieldValue, FieldValues } from '@rowhouse/connectors'
import { merge } from '../merge/merge.ts'
import { laterVersion, unsent } from './link.ts'
import type { Effect, Link, Pending, PlanOptions, RemoteView } from './link.ts'

export interface SettleInput {
  readonly link: Link
  readonly delivery: Pending
  /** The row as it is now, inside the transaction. */
  readonly local: FieldValues | null
  readonly remoteId: string
  /** The record as the answer shows it; null when the CRM returns none. */
  readonly answer: RemoteView | null
  /** Whether the answer holds every mapped field. */
  readonly whole: boolean
  /** When the answer was there, by the provider's clock: what was read before is older than a delete. */
  readonly at?: string
}

const nothing = { kind: 'none' } as const

/** Decides what a write that was done leaves behind. */
export function planSettle(input: SettleInput, options: PlanOptions): Effect {
  const { delivery, link, answer } = input
  if (delivery.kind === 'delete') {
    const seen = laterVersion(laterVersion(link.seen, link.written), answer?.modifiedAt ?? input.at ?? null)
    return {
      local: nothing,
      link: { ...link, state: 'tombstoned', seen },
      conflicts: [],
      dueOut: input.local !== null,
      dueIn: false,
    }
  }
  if (link.state === 'tombstoned') return { local: nothing, link, conflicts: [], dueOut: false, dueIn: false }
  const linked: Link = { ...link, state: 'linked', remoteId: input.remoteId }
  // A read that is newer than this answer was merged while the call was under way: it knows better.
  if (answer !== null && link.seen !== null && link.seen > answer.modifiedAt)
    return {
      local: nothing,
      link: { ...linked, written: laterVersion(link.written, answer.modifiedAt) },
      conflicts: [],
      dueOut: true,
      dueIn: false,
    }
  return answer === null ? settleBlind(input, linked) : settleWith(input, linked, answer, options)
}

/** No record in the answer: base is what was sent. Somebody else's edit may hide there, and the next poll shows it. */
function settleBlind(input: SettleInput, linked: Link): Effect {
  const base = { ...linked.base, ...input.delivery.sent }
  return {
    local: nothing,
    link: { ...linked, base, seen: linked.seen ?? '' },
    conflicts: [],
    dueOut: input.local === null || Object.keys(unsent(base, input.local)).length > 0,
    dueIn: false,
  }
}

function settleWith(input: SettleInput, linked: Link, answer: RemoteView, options: PlanOptions): Effect {
  const { delivery, local } = input
  // Sent fields: base := what was sent, so the merge takes the CRM's normalised form where the row
  // still holds what was sent, and keeps a newer local edit to send next. Other fields: an ordinary
  // merge, because the answer may carry somebody else's edit.
  const base: Record<string, FieldValue> = { ...linked.base, ...delivery.sent }
  if (delivery.kind === 'create') for (const field of Object.keys(answer.fields)) base[field] ??= null
  // Only a whole record was seen in full. Of a part, the next poll shows the rest: our write moved its version.
  const seen = input.whole ? answer.modifiedAt : (linked.seen ?? '')
  const settled: Link = { ...linked, seen, written: answer.modifiedAt }
  if (local === null)
    return {
      local: nothing,
      link: { ...settled, base: { ...base, ...answer.fields } },
      conflicts: [],
      dueOut: true,
      dueIn: false,
    }
  const merged = merge(base, local, answer.fields, options)
  return {
    local: Object.keys(merged.local).length === 0 ? nothing : { kind: 'update', fields: merged.local },
    link: { ...settled, base: merged.base },
    conflicts: merged.conflicts,
    dueOut: Object.keys(unsent(merged.base, { ...local, ...merged.local })).length > 0,
    dueIn: false,
  }
}
