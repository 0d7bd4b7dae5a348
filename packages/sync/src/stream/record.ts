// What a stream told becomes marks, and its position moves with them, in one transaction: whoever holds the stream next
// goes on after the last change that is marked. A position beyond a mark would lose it; one behind tells it again.
import type { StreamRead } from '@rowhouse/connectors'
import type { Organization } from 'rowhouse'
import { saveCursor } from '../home/cursors.ts'
import { fenced } from '../home/fence.ts'
import type { Hold } from '../home/fence.ts'
import { addMarks } from '../home/marks.ts'
import { wantResync } from '../pull/resync.ts'

/**
 * Our own writes are looked at too: what they led to there, a rule or another form of a value, is in no answer. They can
 * wait for each other, so that one read covers many.
 */
const OWN_DELAY_MS = 2000

export interface StreamScope {
  readonly organization: Organization
  readonly connectionId: string
  readonly hold: Hold
}

/** Returns whether anything is due now. @throws RowhouseError lease_lost */
export async function recordChanges(
  { connectionId, hold, organization }: StreamScope,
  { changes, positions, untold }: Pick<StreamRead, 'changes' | 'positions' | 'untold'>,
): Promise<boolean> {
  if (Object.keys(positions).length === 0) return false
  await fenced(organization, hold, async (tx) => {
    await addMarks(
      tx,
      connectionId,
      'inbound',
      changes.map(({ deleted, id, object, own }) => ({
        object,
        recordId: id,
        deleted,
        ...(own ? { delayMs: OWN_DELAY_MS } : { told: true }),
      })),
    )
    await wantResync(tx, connectionId, untold)
    for (const [object, position] of Object.entries(positions))
      await saveCursor(tx, connectionId, 'events', object, { position, done: false, records: 0 })
  })
  return changes.length > 0
}

/** A position that the provider no longer knows: what came after it is read anew, and the stream begins now. */
export async function forgetPositions(scope: StreamScope, objects: readonly string[]): Promise<void> {
  const { connectionId, hold, organization } = scope
  await fenced(organization, hold, async (tx) => {
    await wantResync(tx, connectionId, objects)
    for (const object of objects)
      await saveCursor(tx, connectionId, 'events', object, { position: null, done: false, records: 0 })
  })
}
