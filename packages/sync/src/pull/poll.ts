// Polls: what was modified since a keyset position, with an overlap for what becomes visible late, and what
// was deleted since a cursor of its own. A position moves in the transaction that applied its page. A sweep that
// is not finished in one run goes on where it was, so no number of records within the overlap can hold it up.
import type { Answer, DeletedPage, PollPage, PollPosition, RemoteRecord } from '@rowhouse/connectors'
import { applyPage } from '../apply/apply-page.ts'
import { DELETED_EVERY_ROUNDS } from '../budget/poll-pace.ts'
import { readCursors, saveCursor } from '../home/cursors.ts'
import type { Cursor } from '../home/cursors.ts'
import { findLinked } from '../home/links.ts'
import { addMarks } from '../home/marks.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { tooLarge } from '../http/http.ts'
import { failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { noteApplied } from './applied.ts'
import { askPage, repeated } from './page.ts'
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
  const round = {
    modified: modified.map(({ mapped, sweep }) => ({
      selection: selectionOf(mapped),
      position: sweep.at,
      pageSize: Math.min(run.pollMemory.pageSizes.get(mapped.object) ?? mapped.pageSizeMax, mapped.pageSizeMax),
    })),
    deleted: deleted.map(({ mapped, cursor }) => ({ object: mapped.object, cursor })),
  }
  const answer = await run.http.inParts(() => pollAll.read(run.http, round))
  // All together are too large: each is asked for by itself.
  if (answer === tooLarge) return { modified: [], deleted: [] }
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
      : await askPage(run, mapped.object, mapped.pageSizeMax, (size) =>
          run.connector.poll(run.http, selectionOf(mapped), sweep.at, size),
        )
    if (!answer.ok) return failed(answer.failure)
    const { more, position } = answer.value
    if (more && isSame(position, sweep.at)) return failed(repeated().failure)
    const fresh = answer.value.records.filter(({ id, modifiedAt }) => !pollMemory.knows(mapped.object, id, modifiedAt))
    const next = afterPage(sweep, position, more)
    if (fresh.length > 0 || more || begun.resumed) {
      records += fresh.length
      if (run.isStreamRelied && (await isMissed(run, mapped, fresh, readAtMs))) await run.missed(mapped.object)
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

/** A change this old was told long ago, if it was told. */
const TOLD_WITHIN_MS = 30_000

/** Whether a change that was made while the stream was open is neither merged nor due: nothing was said of it. */
async function isMissed(
  { scope, streamSinceMs }: LaneRun,
  { object }: MappedObject,
  fresh: readonly RemoteRecord[],
  readAtMs: number,
): Promise<boolean> {
  const old = fresh.filter(({ modifiedAt }) => {
    const atMs = Date.parse(modifiedAt)
    return readAtMs - atMs > TOLD_WITHIN_MS && atMs - scope.clockOffsetMs() > streamSinceMs
  })
  if (old.length === 0) return false
  const { rows } = await scope.organization.query<{ unseen: boolean }>(
    `select exists (
       select from jsonb_to_recordset($3::jsonb) as p(id text, "modifiedAt" text)
       where not exists (
         select from rowhouse_home.sync_links l
         where l.connection_id = $1 and l.object = $2 and l.remote_id = p.id and l.seen >= p."modifiedAt"
       ) and not exists (
         select from rowhouse_home.sync_marks m
         where m.connection_id = $1 and m.direction = 'inbound' and m.object = $2 and m.record_id = p.id
       ) and not exists (
         select from rowhouse_home.sync_dead_letters d
         where d.connection_id = $1 and d.direction = 'inbound' and d.object = $2 and d.record_key = p.id
       )
     ) as unseen`,
    [scope.connectionId, object, JSON.stringify(old.map(({ id, modifiedAt }) => ({ id, modifiedAt })))],
  )
  return rows[0]?.unseen ?? false
}

const isSame = (a: PollPosition, b: PollPosition): boolean => a.modifiedAt === b.modifiedAt && a.id === b.id

async function pollDeleted(
  run: LaneRun,
  { mapped, cursor: begun }: Deleted,
  first: DeletedPage | null,
): Promise<LaneEnd | null> {
  let cursor = begun
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer =
      page === 0 && first !== null
        ? ({ ok: true, value: first } as const)
        : await run.connector.deleted(run.http, mapped.object, cursor)
    if (!answer.ok) return failed(answer.failure)
    const { deleted, more } = answer.value
    const told = deleted.filter(({ id, deletedAt }) => !run.pollMemory.knows(mapped.object, id, deletedAt))
    const moved = answer.value.cursor !== cursor
    if (more && !moved) return failed(repeated().failure)
    cursor = answer.value.cursor
    if (moved || told.length > 0) await recordDeleted(run, mapped, told, cursor)
    if (!more) break
  }
  return null
}

/**
 * What is linked is asked for by its id: it may have been merged into another, or restored meanwhile. What is not known here
 * only leaves a tombstone, so that a late page cannot bring it back.
 */
async function recordDeleted(
  run: LaneRun,
  mapped: MappedObject,
  told: DeletedPage['deleted'],
  position: string,
): Promise<void> {
  const { connectionId, organization } = run.scope
  const ids = told.map(({ id }) => id)
  const linked = await findLinked(organization, connectionId, mapped.object, ids)
  const unknown = told.filter(({ id }) => !linked.has(id)).map(({ id, deletedAt }) => deletedRecord(id, deletedAt))
  await applyPage(run.scope, mapped, unknown, async (tx) => {
    const marks = [...linked].map((recordId) => ({ object: mapped.object, recordId, deleted: true }))
    await addMarks(tx, connectionId, 'inbound', marks)
    await saveCursor(tx, connectionId, 'deleted', mapped.object, { position, done: false, records: 0 })
  })
  for (const { id, deletedAt } of told) run.pollMemory.remember(mapped.object, id, deletedAt, providerNow(run))
}
