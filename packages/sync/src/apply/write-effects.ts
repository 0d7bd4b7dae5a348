// Writes a page of effects: rows, links, conflicts and what became due, each with one statement. It runs in
// the transaction that locked what the effects were planned from.
import { randomUUID } from 'node:crypto'
import type { Transaction } from 'rowhouse'
import { moveChildren } from '../home/children.ts'
import type { ParentMove } from '../home/children.ts'
import { saveLinks, parentKey } from '../home/links.ts'
import type { Parents, StoredLink } from '../home/links.ts'
import { addMarks, releaseMarks } from '../home/marks.ts'
import type { NewMark } from '../home/marks.ts'
import { addConflicts, unblock } from '../home/records.ts'
import { deleteRows, insertRows, updateRows } from '../home/rows.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import type { Effect } from '../plan/link.ts'
import { linkScope } from './scope.ts'
import type { ConnectionScope } from './scope.ts'
import { holdsKey, toRowValues } from './views.ts'

export interface PlannedEffect {
  readonly effect: Effect
  /** The link the effect was planned from; null when it makes one. */
  readonly from: StoredLink | null
  /** 'object:id' of a parent that has to be linked first. */
  readonly waitsForInbound: string | null
  readonly waitsForOutbound: string | null
}

export async function writeEffects(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  planned: readonly PlannedEffect[],
  parents: Parents,
): Promise<void> {
  const inserts: { id: string; values: ReturnType<typeof toRowValues> }[] = []
  const updates: typeof inserts = []
  const deletes: string[] = []
  const orphaned: ParentMove[] = []
  const links: StoredLink[] = []
  const released: string[] = []
  const dueOut: NewMark[] = []
  const dueIn: NewMark[] = []
  const conflicts: Parameters<typeof addConflicts>[2][number][] = []
  for (const { effect, from, waitsForInbound, waitsForOutbound } of planned) {
    let link: StoredLink = { ...effect.link, id: from?.id ?? null }
    const { local } = effect
    if (local.kind === 'insert') {
      const id = randomUUID()
      link = { ...link, localId: id }
      inserts.push({ id, values: toRowValues(mapped, local.fields, parents) })
    } else if (local.kind === 'update' && link.localId !== null) {
      updates.push({ id: link.localId, values: toRowValues(mapped, local.fields, parents) })
    } else if (local.kind === 'delete' && link.localId !== null) {
      deletes.push(link.localId)
      if (link.remoteId !== null)
        orphaned.push({ fromLocal: link.localId, toLocal: null, fromRemote: link.remoteId, toRemote: null })
    }
    if (from === null || changed(from, link)) links.push(link)
    if (link.state === 'linked' && from?.state !== 'linked' && link.localId !== null && link.remoteId !== null)
      released.push(parentKey(mapped.object, link.localId), parentKey(mapped.object, link.remoteId))
    const { localId, remoteId } = link
    for (const conflict of effect.conflicts)
      conflicts.push({ ...conflict, object: mapped.object, recordId: localId, remoteId })
    if (localId !== null && effect.dueOut) dueOut.push({ object: mapped.object, recordId: localId })
    if (localId !== null && waitsForOutbound !== null)
      dueOut.push({ object: mapped.object, recordId: localId, waitsFor: waitsForOutbound })
    if (remoteId !== null && effect.dueIn)
      dueIn.push({ object: mapped.object, recordId: remoteId, delayMs: LOOK_AGAIN_MS })
    if (remoteId !== null && waitsForInbound !== null)
      dueIn.push({ object: mapped.object, recordId: remoteId, waitsFor: waitsForInbound })
  }
  const isFreed = planned.some(({ effect }) => frees(mapped, effect))
  if (dueOut.length > 0 || released.length > 0 || isFreed) scope.due.add('outbound')
  if (dueIn.length > 0 || released.length > 0 || isFreed) scope.due.add('inbound')
  // In their order, and in one write where nothing has to be waited for.
  const written = [insertRows(tx, mapped, inserts), updateRows(tx, mapped, updates)]
  if (orphaned.length > 0) {
    await Promise.all(written)
    await moveChildren(tx, scope.connectionId, scope.objects, mapped.object, orphaned)
  }
  await Promise.all([
    ...written,
    deleteRows(tx, mapped, deletes),
    saveLinks(tx, linkScope(scope, mapped), links),
    addConflicts(tx, scope.connectionId, conflicts),
    addMarks(tx, scope.connectionId, 'outbound', preferUnwaiting(dueOut)),
    addMarks(tx, scope.connectionId, 'inbound', preferUnwaiting(dueIn)),
    released.length > 0 ? releaseMarks(tx, scope.connectionId, released) : undefined,
    isFreed ? unblock(tx, scope.connectionId, mapped.object) : undefined,
  ])
}

/** Whether a row gives up a value by which records are told apart. */
function frees(mapped: MappedObject, { local }: Effect): boolean {
  if (local.kind === 'delete') return true
  return local.kind === 'update' && holdsKey(mapped, local.fields)
}

/** A read that was too old is looked at again after the provider's index had a moment. */
const LOOK_AGAIN_MS = 1000

/** A record that is due now is due now, also where another reason would wait. */
const preferUnwaiting = (marks: readonly NewMark[]): NewMark[] =>
  marks.toSorted((a, b) => Number(b.waitsFor !== undefined) - Number(a.waitsFor !== undefined))

function changed(before: StoredLink, after: StoredLink): boolean {
  return (
    before.state !== after.state ||
    before.localId !== after.localId ||
    before.remoteId !== after.remoteId ||
    before.seen !== after.seen ||
    before.written !== after.written ||
    JSON.stringify(before.base) !== JSON.stringify(after.base)
  )
}
