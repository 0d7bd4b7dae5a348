// Records that were merged at the CRM: one id goes, another stays. Where only the one that goes is known here, its row
// becomes the other's; where both are, the children of its row move, and it is deleted as any record that is gone.
import type { RemoteRecord } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import { moveChildren } from '../home/children.ts'
import type { ParentMove } from '../home/children.ts'
import { forgetLinks, lockLinks, saveLinks } from '../home/links.ts'
import type { StoredLink } from '../home/links.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { deletedRecord } from '../pull/selection.ts'
import { linkScope } from './scope.ts'
import type { ConnectionScope } from './scope.ts'

/**
 * Before the records are planned: afterwards their links say what is true now. Returns the records that went and are still
 * known here: no provider tells of them twice, and HubSpot's archive does not hold them.
 */
export async function takeMerged(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  records: readonly RemoteRecord[],
): Promise<RemoteRecord[]> {
  const merged = records.filter(({ deleted, mergedIds }) => !deleted && mergedIds !== undefined && mergedIds.length > 0)
  if (merged.length === 0) return []
  const ids = merged.flatMap(({ id, mergedIds = [] }) => [id, ...mergedIds])
  const links = new Map(
    (await lockLinks(tx, linkScope(scope, mapped), { remoteIds: ids })).map((link) => [link.remoteId ?? '', link]),
  )
  const moves: ParentMove[] = []
  const gone: RemoteRecord[] = []
  for (const { id, mergedIds = [], modifiedAt } of merged) {
    const losers = mergedIds.flatMap((loser): StoredLink[] => {
      const link = loser === id ? undefined : links.get(loser)
      return link?.state === 'linked' && link.localId !== null ? [link] : []
    })
    const known = links.get(id)
    const winner = known?.state === 'linked' ? known : await relink(tx, scope, mapped, id, known, losers[0])
    for (const { localId, remoteId } of losers) {
      if (localId === null || remoteId === null || winner === null) continue
      moves.push({ fromLocal: localId, toLocal: winner.localId, fromRemote: remoteId, toRemote: id })
      if (localId !== winner.localId) gone.push(deletedRecord(remoteId, modifiedAt))
    }
  }
  await moveChildren(tx, scope.connectionId, scope.objects, mapped.object, moves)
  return gone
}

/** The row of the record that went is the row of the one that stays. */
async function relink(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  id: string,
  tombstone: StoredLink | undefined,
  loser: StoredLink | undefined,
): Promise<StoredLink | null> {
  if (loser === undefined) return null
  if (tombstone?.id) await forgetLinks(tx, [tombstone.id])
  // Another record's versions say nothing of this one's.
  const winner: StoredLink = { ...loser, remoteId: id, seen: null, written: null }
  await saveLinks(tx, linkScope(scope, mapped), [winner])
  return winner
}
