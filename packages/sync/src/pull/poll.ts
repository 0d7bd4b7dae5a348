// Polls: what was modified since a keyset position, with an overlap for what becomes visible late, and what
// was deleted since a cursor of its own. A position moves in the transaction that applied its page.
import type { PollPosition } from '@rowhouse/connectors'
import { applyPage } from '../apply/apply-page.ts'
import { readCursors, saveCursor } from '../home/cursors.ts'
import { failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { noteApplied, tripsBreaker } from './inbound-lane.ts'
import { VERSION_SETTLED_MS } from './poll-memory.ts'
import { deletedRecord, selectionOf } from './selection.ts'

const PAGES_MAX = 50

/** Null: all objects were polled. */
export async function pollModified(run: LaneRun): Promise<LaneEnd | null> {
  const { scope } = run
  const cursors = await readCursors(scope.organization, scope.connectionId, 'poll')
  const { visibilityLagMs } = run.connector.describe()
  for (const mapped of scope.objects) {
    const cursor = cursors.get(mapped.object)
    const stored = cursor?.position as PollPosition | null | undefined
    // Without a position the backfill has not begun; it will set one.
    if (stored === null || stored === undefined) continue
    let position = overlapped(stored, Math.max(visibilityLagMs, VERSION_SETTLED_MS * 2))
    let records = cursor?.records ?? 0
    for (let page = 0; page < PAGES_MAX; page++) {
      const readAtMs = run.now() + scope.clockOffsetMs()
      const answer = await run.connector.poll(run.http, selectionOf(mapped), position, mapped.pageSizeMax)
      if (!answer.ok) return failed(answer.failure)
      position = answer.value.position
      const fresh = answer.value.records.filter(
        ({ id, modifiedAt }) => !run.pollMemory.knows(mapped.object, id, modifiedAt),
      )
      if (fresh.length > 0) {
        records += fresh.length
        const next = later(stored, position)
        const { applied } = await applyPage(scope, mapped, fresh, (tx) =>
          saveCursor(tx, scope.connectionId, 'poll', mapped.object, { position: next, done: false, records }),
        )
        noteApplied(run, mapped, fresh, applied, readAtMs)
      }
      if (!answer.value.more) break
    }
  }
  return null
}

function overlapped(position: PollPosition, overlapMs: number): PollPosition {
  return { modifiedAt: new Date(Date.parse(position.modifiedAt) - overlapMs).toISOString(), id: '' }
}

const later = (a: PollPosition, b: PollPosition): PollPosition =>
  b.modifiedAt > a.modifiedAt || (b.modifiedAt === a.modifiedAt && b.id > a.id) ? b : a

/** Null: all objects were asked. */
export async function pollDeleted(run: LaneRun): Promise<LaneEnd | null> {
  const { scope } = run
  const cursors = await readCursors(scope.organization, scope.connectionId, 'deleted')
  for (const mapped of scope.objects) {
    let cursor = (cursors.get(mapped.object)?.position as string | null | undefined) ?? null
    for (let page = 0; page < PAGES_MAX; page++) {
      const answer = await run.connector.deleted(run.http, mapped.object, cursor)
      if (!answer.ok) return failed(answer.failure)
      const { deleted, more } = answer.value
      const records = deleted
        .filter(({ id, deletedAt }) => !run.pollMemory.knows(mapped.object, id, deletedAt))
        .map(({ id, deletedAt }) => deletedRecord(id, deletedAt))
      if (await tripsBreaker(run, mapped, records)) return null
      const moved = answer.value.cursor !== cursor
      cursor = answer.value.cursor
      if (moved || records.length > 0) {
        const position = cursor
        await applyPage(scope, mapped, records, (tx) =>
          saveCursor(tx, scope.connectionId, 'deleted', mapped.object, { position, done: false, records: 0 }),
        )
        for (const { id, modifiedAt } of records)
          run.pollMemory.remember(mapped.object, id, modifiedAt, run.now() + scope.clockOffsetMs())
      }
      if (!more) break
    }
  }
  return null
}
