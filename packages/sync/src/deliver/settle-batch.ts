// Settles what the calls led to, in one transaction: links, normalised values, deliveries, marks, dead letters.
import type { RemoteRecord, WriteResult } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import { linkScope } from '../apply/scope.ts'
import type { ConnectionScope } from '../apply/scope.ts'
import {
  holdsKey,
  localView,
  parentKeysOfLocal,
  parentKeysOfRemote,
  remoteView,
  withRemoteForm,
  withoutComputed,
} from '../apply/views.ts'
import { writeEffects } from '../apply/write-effects.ts'
import type { PlannedEffect } from '../apply/write-effects.ts'
import { settleDeliveries } from '../home/deliveries.ts'
import type { Settlement } from '../home/deliveries.ts'
import { fenced } from '../home/fence.ts'
import { forgetLinks, lockLinks, readParents, saveLinks } from '../home/links.ts'
import type { StoredLink } from '../home/links.ts'
import { addMarks, clearMarks, postponeMarks } from '../home/marks.ts'
import type { Mark, NewMark } from '../home/marks.ts'
import { park, unblock, unpark } from '../home/records.ts'
import type { NewDeadLetter } from '../home/records.ts'
import { lockRows } from '../home/rows.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { planSettle } from '../plan/settle.ts'
import type { Outgoing } from './plan-batch.ts'
import type { Sent } from './send-batch.ts'

/** First pause before a record whose call failed alone is tried again; doubled each time. */
const RETRY_MS = 500
const RETRY_MS_MAX = 60_000
/** A record that fails this often is parked. */
const ATTEMPTS_MAX = 8
const BLOCKED_RETRY_MS = 5000

interface Ledger {
  readonly settlements: Settlement[]
  readonly cleared: Mark[]
  readonly postponed: (Mark & { delayMs: number })[]
  readonly dueIn: NewMark[]
  readonly letters: NewDeadLetter[]
  readonly unparked: string[]
}

export interface Settled {
  readonly delivered: readonly Outgoing[]
  readonly parked: number
}

export function settleBatch(scope: ConnectionScope, mapped: MappedObject, sent: readonly Sent[]): Promise<Settled> {
  return fenced(scope.organization, scope.hold, async (tx) => {
    const ledger: Ledger = { settlements: [], cleared: [], postponed: [], dueIn: [], letters: [], unparked: [] }
    const done: { outgoing: Outgoing; result: WriteResult & { outcome: 'done' } }[] = []
    const existing: { outgoing: Outgoing; id: string; reason: string }[] = []
    for (const one of sent) {
      const { outgoing } = one
      if (one.outcome === 'poison') parkIt(ledger, mapped, outgoing, 'record_refused', one.reason, null)
      else if (one.outcome === 'not_sent') supersede(ledger, outgoing, { undone: true })
      else if (one.outcome === 'answered') {
        const { result } = one
        if (result.outcome === 'done') done.push({ outgoing, result })
        else if (result.outcome === 'exists' && result.id !== null && outgoing.delivery.kind === 'create')
          existing.push({ outgoing, id: result.id, reason: result.reason })
        else await noteRefusal(ledger, mapped, outgoing, result)
      }
    }
    await settleDone(tx, scope, mapped, done, ledger)
    await settleExisting(tx, scope, mapped, existing, ledger)
    await writeLedger(tx, scope, mapped, ledger)
    // After the letters, because one of this very batch may have waited for it.
    const isFreed = done.some(
      ({ outgoing: { delivery } }) => delivery.kind === 'delete' || holdsKey(mapped, delivery.sent),
    )
    if (isFreed) {
      scope.due.add('inbound')
      await unblock(tx, scope.connectionId, mapped.object)
    }
    return { delivered: done.map(({ outgoing }) => outgoing), parked: ledger.letters.length }
  })
}

async function writeLedger(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  ledger: Ledger,
): Promise<void> {
  const { connectionId } = scope
  if (ledger.dueIn.length > 0) scope.due.add('inbound')
  await Promise.all([
    settleDeliveries(tx, connectionId, ledger.settlements),
    clearMarks(tx, connectionId, 'outbound', ledger.cleared),
    postponeMarks(tx, connectionId, 'outbound', ledger.postponed),
    addMarks(tx, connectionId, 'inbound', ledger.dueIn),
    park(tx, connectionId, ledger.letters),
    unpark(tx, connectionId, 'outbound', mapped.object, ledger.unparked),
  ])
}

/** Not done, or not known to be: the mark stays and plans it anew. */
function supersede(ledger: Ledger, { delivery }: Outgoing, { undone }: { readonly undone: boolean }): void {
  ledger.settlements.push({ id: delivery.id, status: 'superseded', remoteId: null, undone })
}

function parkIt(
  ledger: Ledger,
  mapped: MappedObject,
  { delivery, mark }: Outgoing,
  code: string,
  reason: string,
  retryMs: number | null,
): void {
  ledger.settlements.push({ id: delivery.id, status: 'parked', remoteId: null })
  ledger.cleared.push(mark)
  ledger.letters.push({
    object: mapped.object,
    direction: 'outbound',
    recordKey: delivery.recordId,
    recordId: delivery.recordId,
    remoteId: delivery.remoteId,
    code,
    reason,
    retryMs,
  })
}

async function noteRefusal(
  ledger: Ledger,
  mapped: MappedObject,
  outgoing: Outgoing,
  result: WriteResult,
): Promise<void> {
  const { delivery, mark } = outgoing
  switch (result.outcome) {
    case 'done':
      return
    case 'exists':
      // Somebody else holds a unique value: matched by the next look at that record, or parked until it lets go.
      parkIt(ledger, mapped, outgoing, 'unique_conflict', result.reason, BLOCKED_RETRY_MS)
      return
    case 'gone':
    case 'changed':
      supersede(ledger, outgoing, { undone: true })
      if (delivery.remoteId !== null)
        ledger.dueIn.push({ object: mapped.object, recordId: delivery.remoteId, deleted: result.outcome === 'gone' })
      // The fetch decides first: what is still unsent then is due again.
      ledger.postponed.push({ ...mark, delayMs: RETRY_MS })
      return
    case 'failed': {
      const { failure } = result
      if (failure.action === 'park') return parkIt(ledger, mapped, outgoing, failure.code, failure.reason, null)
      if (mark.attempts >= ATTEMPTS_MAX)
        return parkIt(ledger, mapped, outgoing, 'attempts_exhausted', failure.reason, BLOCKED_RETRY_MS)
      supersede(ledger, outgoing, { undone: false })
      const afterMs = failure.action === 'retry' ? failure.afterMs : null
      ledger.postponed.push({
        ...mark,
        delayMs: afterMs ?? Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** mark.attempts),
      })
    }
  }
}

async function settleDone(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  done: readonly { outgoing: Outgoing; result: WriteResult & { outcome: 'done' } }[],
  ledger: Ledger,
): Promise<void> {
  if (done.length === 0) return
  const ids = done.map(({ outgoing }) => outgoing.delivery.recordId)
  const [locked, rows] = await Promise.all([
    lockLinks(tx, linkScope(scope, mapped), { localIds: ids }),
    lockRows(tx, mapped, ids),
  ])
  const links = new Map(locked.map((link) => [link.localId ?? '', link]))
  const records = done.flatMap(({ result }) => (result.record === null ? [] : [result.record]))
  const parents = await readParents(tx, scope.connectionId, [
    ...parentKeysOfRemote(mapped, records),
    ...parentKeysOfLocal(mapped, rows.values()),
  ])
  const planned: PlannedEffect[] = []
  for (const { outgoing, result } of done) {
    const { delivery, mark } = outgoing
    ledger.settlements.push({ id: delivery.id, status: 'delivered', remoteId: result.id })
    ledger.cleared.push(mark)
    ledger.unparked.push(delivery.recordId)
    const link = links.get(delivery.recordId)
    if (link === undefined) continue
    const row = rows.get(delivery.recordId)
    const view = row === undefined ? null : localView(scope, mapped, row, parents)
    const remote = result.record === null ? null : remoteView(mapped, result.record, parents)
    const effect = planSettle(
      {
        link,
        delivery,
        local: view === null ? null : withoutComputed(mapped, view.fields, link.base),
        remoteId: result.id,
        answer: remote,
        whole: result.record !== null && isWhole(mapped, result.record),
        at: scope.providerNow(),
      },
      scope.options,
    )
    planned.push({
      effect: withRemoteForm(effect, row, view, remote?.fields ?? {}),
      from: link,
      waitsForInbound: remote?.waitsFor ?? null,
      waitsForOutbound: view?.waitsFor ?? null,
    })
  }
  // Marks go before effects: what an effect finds due is a new mark.
  await Promise.all([
    clearMarks(tx, scope.connectionId, 'outbound', ledger.cleared.splice(0)),
    writeEffects(tx, scope, mapped, planned, parents),
  ])
}

/**
 * The CRM has such a record already. Nothing is written over it: it is linked and fetched, and the merge
 * says what differs. A record that another row holds blocks this one.
 */
async function settleExisting(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  existing: readonly { outgoing: Outgoing; id: string; reason: string }[],
  ledger: Ledger,
): Promise<void> {
  if (existing.length === 0) return
  const links = await lockLinks(tx, linkScope(scope, mapped), {
    localIds: existing.map(({ outgoing }) => outgoing.delivery.recordId),
    remoteIds: existing.map(({ id }) => id),
  })
  const changed: StoredLink[] = []
  const forgotten: string[] = []
  const taken = new Set<string>()
  for (const { outgoing, id, reason } of existing) {
    const { recordId } = outgoing.delivery
    const holder = links.find((link) => link.remoteId === id && link.localId !== recordId)
    const ours = links.find((link) => link.localId === recordId)
    if (ours === undefined || taken.has(id) || holder?.state === 'linked') {
      parkIt(ledger, mapped, outgoing, 'unique_conflict', reason, BLOCKED_RETRY_MS)
      continue
    }
    taken.add(id)
    if (holder !== undefined && holder.id !== null) forgotten.push(holder.id)
    if (ours.remoteId === null) changed.push({ ...ours, remoteId: id, state: 'linked', seen: null })
    supersede(ledger, outgoing, { undone: true })
    ledger.cleared.push(outgoing.mark)
    ledger.dueIn.push({ object: mapped.object, recordId: id })
  }
  await forgetLinks(tx, forgotten)
  await saveLinks(tx, linkScope(scope, mapped), changed)
}

/** Whether an answer holds every mapped field, so that the record was seen in full. */
const isWhole = (mapped: MappedObject, record: RemoteRecord): boolean =>
  mapped.fields.every(({ field }) => record.fields[field] !== undefined)
