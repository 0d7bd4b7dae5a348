// The backfill: prepares the provider, then reads every record once, a page at a time, parents first. A page
// and its cursor are one transaction, so a run that dies goes on at the page after the last one that was
// finished. Rows that no record matched are then due outbound. A resync is the same walk once more, and ends by
// asking for the records that it did not meet.
import { beginCapture } from '../capture/capture.ts'
import { applyPage } from '../apply/apply-page.ts'
import { readCursors, saveCursor } from '../home/cursors.ts'
import type { Cursor } from '../home/cursors.ts'
import { fenced } from '../home/fence.ts'
import { markUnlinkedRows } from '../home/rows.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { done, failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { askPage, repeated } from './page.ts'
import { askForUnmet, beginWish, markUnmet, readWishes, takeMet } from './resync.ts'
import type { Wish } from './resync.ts'
import { selectionOf } from './selection.ts'

const PAGES_MAX = 100_000

export async function runBackfill(run: LaneRun): Promise<LaneEnd> {
  const { scope } = run
  if (run.state === 'matching') {
    await beginCapture(scope.organization, scope.connectionId)
    const prepared = await run.connector.prepare(
      run.http,
      scope.objects.map(({ object }) => object),
    )
    if (!prepared.ok) return failed(prepared.failure)
    await run.happen('matched', null)
  }
  const [cursors, wishes] = await Promise.all([
    readCursors(scope.organization, scope.connectionId, 'backfill'),
    readWishes(scope.organization, scope.connectionId),
  ])
  for (const mapped of scope.objects) {
    const cursor = cursors.get(mapped.object) ?? null
    const wish = wishes.get(mapped.object) ?? null
    if (cursor?.done === true && wish === null) continue
    const isNew = cursor === null || wish !== null
    if (isNew) {
      const end = await beginReading(run, mapped, wish, cursor === null)
      if (end !== null) return end
    }
    const end = await readAll(run, mapped, isNew ? null : cursor)
    if (end !== null) return end
  }
  await fenced(scope.organization, scope.hold, async (tx) => {
    for (const mapped of scope.objects) await markUnlinkedRows(tx, mapped, scope.connectionId)
  })
  await run.happen('backfilled', null)
  return done(null)
}

/**
 * Polls and deletes begin where the backfill begins: what changes while it reads is seen by them. A resync leaves
 * them where they are, unless they are what is no longer valid.
 */
async function beginReading(
  run: LaneRun,
  mapped: MappedObject,
  wish: Wish | null,
  isFirst: boolean,
): Promise<LaneEnd | null> {
  const { scope } = run
  const { connectionId } = scope
  const isRenewed = isFirst || wish?.renew === true
  const deleted = isRenewed ? await run.connector.deleted(run.http, mapped.object, null) : null
  if (deleted?.ok === false) return failed(deleted.failure)
  const startMs = run.now() + scope.clockOffsetMs() - CLOCK_SLACK_MS
  for (let after: string | null = '0'; after !== null;)
    after = await fenced(scope.organization, scope.hold, (tx) =>
      markUnmet(tx, connectionId, mapped.object, after ?? '0'),
    )
  await fenced(scope.organization, scope.hold, async (tx) => {
    if (deleted !== null) {
      await saveCursor(tx, connectionId, 'poll', mapped.object, {
        position: { modifiedAt: new Date(startMs).toISOString(), id: '' },
        done: false,
        records: 0,
      })
      await saveCursor(tx, connectionId, 'deleted', mapped.object, {
        position: deleted.value.cursor,
        done: false,
        records: 0,
      })
    }
    await saveCursor(tx, connectionId, 'backfill', mapped.object, { position: null, done: false, records: 0 })
    if (wish !== null) await beginWish(tx, connectionId, mapped.object, wish)
  })
  return null
}

/** The offset is known to a second, the resolution of the Date header. */
const CLOCK_SLACK_MS = 2000

async function readAll(run: LaneRun, mapped: MappedObject, cursor: Cursor | null): Promise<LaneEnd | null> {
  const { scope } = run
  const { organizationId, connectionId } = scope
  let position = (cursor?.position as string | null | undefined) ?? null
  let records = cursor?.records ?? 0
  const asked = new Set([position])
  for (let page = 0; page < PAGES_MAX; page++) {
    if (run.ending()) return done(0)
    const readAtMs = run.now() + scope.clockOffsetMs()
    const answer = await askPage(run, mapped.object, mapped.pageSizeMax, (size) =>
      run.connector.list(run.http, selectionOf(mapped), position, size),
    )
    if (!answer.ok) {
      // The provider forgot our place: from the start, which only repeats what is linked already.
      if (answer.failure.action === 'resync' && position !== null) {
        position = null
        records = 0
        asked.clear()
        continue
      }
      return failed(answer.failure)
    }
    const { next } = answer.value
    if (next !== null && asked.has(next)) return failed(repeated().failure)
    asked.add(next)
    records += answer.value.records.length
    const met = answer.value.records.map(({ id }) => id)
    const { applied } = await applyPage(scope, mapped, answer.value.records, async (tx) => {
      await takeMet(tx, connectionId, mapped.object, met)
      if (next === null) await askForUnmet(tx, connectionId, mapped.object)
      await saveCursor(tx, connectionId, 'backfill', mapped.object, { position: next, done: next === null, records })
    })
    run.observe({
      type: 'applied',
      organizationId,
      connectionId,
      object: mapped.object,
      records: applied,
      lane: 'backfill',
    })
    // The first poll overlaps the backfill: what it shows again was applied here.
    for (const { id, modifiedAt } of answer.value.records)
      run.pollMemory.remember(mapped.object, id, modifiedAt, readAtMs)
    position = next
    if (next === null) {
      run.observe({ type: 'backfilled', organizationId, connectionId, object: mapped.object, records })
      return null
    }
  }
  return done(0)
}
