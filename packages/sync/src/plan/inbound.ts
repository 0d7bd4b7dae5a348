// What a remote record means for us. Pure: the caller gives the link, the row and the pending delivery
// as they are inside its transaction, and applies the effect in the same one.
import type { FieldValues } from '@rowhouse/connectors'
import { merge } from '../merge/merge.ts'
import { laterVersion, unsent } from './link.ts'
import type { Effect, Link, Pending, PlanOptions, RemoteView } from './link.ts'

export interface InboundInput {
  /** Null: never met. */
  readonly link: Link | null
  readonly pending: Pending | null
  /** The row; null when there is none. */
  readonly local: FieldValues | null
  /** A row without a link that is the same record by the match rule or by its create token. */
  readonly matchedLocalId: string | null
  readonly remote: RemoteView
}

const nothing = { kind: 'none' } as const

/** Decides what a read of the CRM changes here. */
export function planInbound(input: InboundInput, options: PlanOptions): Effect {
  const { link, remote } = input
  if (remote.deleted) return planRemoteDelete(input, options)
  if (link === null) return planMeeting(input, options)
  if (link.state === 'tombstoned') return planRevival(input, link)
  const newest = laterVersion(link.seen, link.written)
  // An older read than what was merged already: a late page, a lagging index. Looking again is cheap.
  if (newest !== null && remote.modifiedAt < newest)
    return { local: nothing, link, conflicts: [], dueOut: false, dueIn: true }
  return planKnown(input, link, options)
}

function planMeeting(input: InboundInput, options: PlanOptions): Effect {
  const { remote, local, matchedLocalId } = input
  const link: Link = {
    localId: matchedLocalId,
    remoteId: remote.id,
    state: 'linked',
    createToken: null,
    base: {},
    seen: remote.modifiedAt,
    written: null,
  }
  if (matchedLocalId !== null && local !== null) return planKnown(input, link, options)
  return {
    local: { kind: 'insert', fields: remote.fields },
    link: { ...link, base: remote.fields },
    conflicts: [],
    dueOut: false,
    dueIn: false,
  }
}

/** Two instants of the provider's clock, which is known to a second, the resolution of the Date header. */
const CLOCK_JITTER_MS = 1000

/**
 * A record that was deleted there, seen alive: restored if its version is newer than its death. Versions may be as coarse as
 * a second, so one that is not newer, and was asked for by its id, is looked at until it was certainly asked for after it; a
 * page may be late.
 */
function planRevival(input: InboundInput, link: Link): Effect {
  const { remote } = input
  if (link.seen !== null && remote.modifiedAt <= link.seen) {
    const { readAt = null } = remote
    const isLater = readAt !== null && Date.parse(readAt) - CLOCK_JITTER_MS > Date.parse(link.seen)
    if (!isLater) return { local: nothing, link, conflicts: [], dueOut: false, dueIn: readAt !== null }
  }
  // A row that was detached stays detached; one that is gone comes back.
  if (input.local !== null) return { local: nothing, link, conflicts: [], dueOut: false, dueIn: false }
  return {
    local: { kind: 'insert', fields: remote.fields },
    link: {
      ...link,
      localId: null,
      remoteId: remote.id,
      state: 'linked',
      base: remote.fields,
      seen: remote.modifiedAt,
      written: null,
    },
    conflicts: [],
    dueOut: false,
    dueIn: false,
  }
}

function planKnown(input: InboundInput, link: Link, options: PlanOptions): Effect {
  const { remote, local, pending } = input
  const base = baseWith(link, pending, remote)
  const linked: Link = { ...link, remoteId: remote.id, state: 'linked', seen: remote.modifiedAt }
  if (local === null) {
    // Deleted here, not there yet: outbound will delete it. What that destroys was never ours to lose.
    const lost = Object.entries(remote.fields).filter(([field, value]) => value !== (base[field] ?? null))
    return {
      local: nothing,
      link: { ...linked, base: { ...base, ...remote.fields } },
      conflicts: lost.map(([field, value]) => ({
        field,
        base: base[field] ?? null,
        local: null,
        remote: value,
        winner: 'local' as const,
      })),
      dueOut: true,
      dueIn: false,
    }
  }
  const merged = merge(base, local, remote.fields, options)
  return {
    local: Object.keys(merged.local).length === 0 ? nothing : { kind: 'update', fields: merged.local },
    link: { ...linked, base: merged.base },
    conflicts: merged.conflicts,
    dueOut: Object.keys(unsent(merged.base, { ...local, ...merged.local })).length > 0,
    dueIn: false,
  }
}

/**
 * Until a delivery is settled, a remote value equal to what it sent is our own echo. A create began
 * as what was sent, so that is its base whatever it shows now.
 */
function baseWith(link: Link, pending: Pending | null, remote: RemoteView): FieldValues {
  if (pending === null || pending.kind === 'delete') return link.base
  if (pending.kind === 'create') return { ...pending.sent, ...link.base }
  const echoed = Object.entries(pending.sent).filter(([field, value]) => remote.fields[field] === value)
  return { ...link.base, ...Object.fromEntries(echoed) }
}

function planRemoteDelete(input: InboundInput, options: PlanOptions): Effect {
  const { link, local, remote } = input
  const known: Link = link ?? {
    localId: null,
    remoteId: remote.id,
    state: 'tombstoned',
    createToken: null,
    base: {},
    seen: null,
    written: null,
  }
  const dead: Link = {
    ...known,
    remoteId: remote.id,
    state: 'tombstoned',
    seen: laterVersion(laterVersion(known.seen, known.written), remote.modifiedAt),
  }
  if (known.state === 'tombstoned' || local === null || options.deletePolicy === 'detach')
    return { local: nothing, link: dead, conflicts: [], dueOut: false, dueIn: false }
  return {
    local: { kind: 'delete' },
    link: dead,
    conflicts: Object.entries(unsent(known.base, local)).map(([field, value]) => ({
      field,
      base: known.base[field] ?? null,
      local: value,
      remote: null,
      winner: 'remote' as const,
    })),
    dueOut: false,
    dueIn: false,
  }
}
