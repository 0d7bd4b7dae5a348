// Polls: what was modified since a keyset position, with an overlap for what becomes visible late, and what
// was deleted since a cursor of its own. A position moves in the transaction that applied its page. A sweep that
// is not finished in one run goes on where it was, so no number of records within the overlap can hold it up.
import type { Answer, DeletedPage, PollPage } from '@rowhouse/connectors'
import { applyPage } from '../apply/apply-page.ts'
import { DELETED_EVERY_ROUNDS } from '../budget/poll-pace.ts'
import { readCursors, saveCursor } from '../home/cursors.ts'
import type { Cursor } from '../home/cursors.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { noteApplied, tripsBreaker } from './applied.ts'
import { VERSION_SETTLED_MS } from './poll-memory.ts'
import { deletedRecord, selectionOf } from './selection.ts'
import { afterPage, beginSweep } from './sweep.ts'
import type { StoredPosition, Sweep } from './sweep.ts'

const PAGES_MAX = 50

interface Modified {
  readonly mapped: MappedObject
  readonly sweep: Sweep
  readonly records: number
}

interface Deleted {
  readonly mapped: MappedObject
  readonly cursor: string
}

/** One round over all objects. Null: all of them were asked. */
export async function pollRound(run: LaneRun): Promise<LaneEnd | null> {
  const { connector, scope } = run
  const [polls, deletions] = await Promise.all([
    readCursors(scope.organization, scope.connectionId, 'poll'),
    readCursors(scope.organization, scope.connectionId, 'deleted'),
  ])
  const modified = scope.objects.flatMap((mapped): Modified[] => sweepOf(run, mapped, polls.get(mapped.object)))
  const asksForDeleted = connector.pollAll !== undefined || run.pollMemory.rounds % DELETED_EVERY_ROUNDS === 0
  const deleted = scope.objects.flatMap((mapped): Deleted[] => {
    const cursor = deletions.get(mapped.object)?.position as string | null | undefined
    return asksForDeleted && cursor ? [{ mapped, cursor }] : []
  })
  const readAtMs = providerNow(run)
  const first = await readFirstPages(run, modified, deleted)
  if ('kind' in first) return first
  for (const [index, one] of modified.entries()) {
    const end = await pollModified(run, one, readAtMs, first.modified[index] ?? null)
    if (end !== null) return end
  }
  for (const [index, one] of deleted.entries()) {
    const end = await pollDeleted(run, one, first.deleted[index] ?? null)
    if (end !== null) return end
  }
  return null
}

/** All first pages at once, where the provider has a way to; otherwise none. */
async function readFirstPages(
  run: LaneRun,
  modified: readonly Modified[],
  deleted: readonly Deleted[],
): Promise<LaneEnd | { modified: readonly PollPage[]; deleted: readonly DeletedPage[] }> {
  const { pollAll } = run.connector
  if (pollAll === undefined || modified.length + deleted.length === 0) return { modified: [], deleted: [] }
  const answer = await pollAll.read(run.http, {
    modified: modified.map(({ mapped, sweep }) => ({
      selection: selectionOf(mapped),
      position: sweep.at,
      pageSize: mapped.pageSizeMax,
    })),
    deleted: deleted.map(({ mapped, cursor }) => ({ object: mapped.object, cursor })),
  })
  return answer.ok ? answer.value : failed(answer.failure)
}

function sweepOf(run: LaneRun, mapped: MappedObject, cursor: Cursor | undefined): Modified[] {
  const stored = cursor?.position as StoredPosition | null | undefined
  // Without a position the backfill has not begun; it will set one.
  if (stored === null || stored === undefined) return []
  const overlapMs = Math.max(run.connector.describe().visibilityLagMs, VERSION_SETTLED_MS * 2)
  return [{ mapped, sweep: beginSweep(stored, providerNow(run), overlapMs), records: cursor?.records ?? 0 }]
}

const providerNow = (run: LaneRun): number => run.now() + run.scope.clockOffsetMs()

async function pollModified(
  run: LaneRun,
  { mapped, sweep: begun, records: before }: Modified,
  firstReadAtMs: number,
  first: PollPage | null,
): Promise<LaneEnd | null> {
  const { pollMemory, scope } = run
  let sweep = begun
  let records = before
  for (let page = 0; page < PAGES_MAX; page++) {
    if (page > 0 && run.ending()) return null
    const isGiven = page === 0 && first !== null
    const readAtMs = isGiven ? firstReadAtMs : providerNow(run)
    const answer: Answer<PollPage> = isGiven
      ? { ok: true, value: first }
      : await run.connector.poll(run.http, selectionOf(mapped), sweep.at, mapped.pageSizeMax)
    if (!answer.ok) return failed(answer.failure)
    const { more, position } = answer.value
    const fresh = answer.value.records.filter(({ id, modifiedAt }) => !pollMemory.knows(mapped.object, id, modifiedAt))
    const next = afterPage(sweep, position, more)
    if (fresh.length > 0 || more || begun.resumed) {
      records += fresh.length
      const { applied } = await applyPage(scope, mapped, fresh, (tx) =>
        saveCursor(tx, scope.connectionId, 'poll', mapped.object, { position: next.stored, done: false, records }),
      )
      // What is not beyond where the last sweep ended was seen before, if not by this worker.
      noteApplied(run, mapped, fresh, { applied, readAtMs }, ({ modifiedAt }) =>
        modifiedAt > begun.furthest.modifiedAt ? Date.parse(modifiedAt) - scope.clockOffsetMs() : null,
      )
    }
    sweep = next.sweep
    if (!more) {
      pollMemory.unfinished.delete(mapped.object)
      return null
    }
    pollMemory.unfinished.add(mapped.object)
  }
  return null
}

async function pollDeleted(
  run: LaneRun,
  { mapped, cursor: begun }: Deleted,
  first: DeletedPage | null,
): Promise<LaneEnd | null> {
  const { scope } = run
  let cursor = begun
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer =
      page === 0 && first !== null
        ? ({ ok: true, value: first } as const)
        : await run.connector.deleted(run.http, mapped.object, cursor)
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
      for (const { id, modifiedAt } of records) run.pollMemory.remember(mapped.object, id, modifiedAt, providerNow(run))
    }
    if (!more) break
  }
  return null
}
