// The inbound lane: records that a webhook, an event, a parent or a stale read made due, then the poll, then deletes.
// It fetches outside of any transaction and lets applyPage do the rest.
import { applyPage } from '../apply/apply-page.ts'
import { fenced } from '../home/fence.ts'
import { clearMarks, nextDueMs, readMarks } from '../home/marks.ts'
import type { Mark } from '../home/marks.ts'
import { park, reviveDeadLetters } from '../home/records.ts'
import { tooLarge } from '../http/http.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { done, failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { noteApplied, tripsBreaker } from './applied.ts'
import { lookForOverwritten } from './overwritten.ts'
import { pollRound } from './poll.ts'
import { readWishes, wantRepair } from './resync.ts'
import { deletedRecord, selectionOf } from './selection.ts'

const MARKS_MAX = 1000
const ROUNDS_MAX = 20
/** While events make polls rare, this often it is looked whether they still come: who held the stream may be gone. */
const LOOK_AGAIN_MS = 120_000

export async function runInbound(run: LaneRun): Promise<LaneEnd> {
  const { scope } = run
  if (run.pollMemory.revivalIsDue('inbound', run.now()))
    await reviveDeadLetters(scope.organization, scope.connectionId, 'inbound', MARKS_MAX)
  for (let round = 0; round < ROUNDS_MAX && !run.ending(); round++) {
    const marks = await readMarks(
      scope.organization,
      scope.connectionId,
      'inbound',
      scope.objects.map(({ object }) => object),
      MARKS_MAX,
    )
    if (marks.length === 0) break
    const end = await fetchMarked(run, marks)
    if (end !== null) return end
  }
  await beginResync(run)
  const { pollMemory } = run
  // A stream that was opened tells what happens from then on; one poll covers what was before. While the backfill reads,
  // some objects have no position yet: that poll is made when it is done.
  const streamOpens = run.state === 'backfilling' ? pollMemory.polledForOpens : run.streamOpens
  const isDue =
    pollMemory.unfinished.size > 0 ||
    pollMemory.polledForOpens !== streamOpens ||
    run.now() - pollMemory.polledAtMs >= run.pollIntervalMs
  if (isDue && !run.ending()) {
    const polledAtMs = run.now()
    // Until it is done it is due: a round that failed is tried again after the backoff, not after the interval.
    pollMemory.polledAtMs = Number.NEGATIVE_INFINITY
    pollMemory.rounds += 1
    const end = await pollRound(run)
    if (end !== null) return end
    pollMemory.polledAtMs = polledAtMs
    pollMemory.polledForOpens = streamOpens
    const looked = await lookForOverwritten(run)
    if (looked !== null) return looked
  }
  const pollMs =
    pollMemory.unfinished.size > 0 ? 0 : Math.max(0, pollMemory.polledAtMs + run.pollIntervalMs - run.now())
  const markMs = await nextDueMs(scope.organization, scope.connectionId, 'inbound')
  const lookMs = run.connector.stream === undefined ? pollMs : Math.min(pollMs, LOOK_AGAIN_MS)
  return done(markMs === null ? lookMs : Math.min(lookMs, markMs))
}

/** All records are read again this often, whatever was told: 500 calls a million records at Salesforce. */
const REPAIR_EVERY_MS = 7 * 86_400_000
const REPAIR_LOOK_MS = 600_000

/** Whoever asked to read an object anew may have ended before the connection was told. */
async function beginResync({ happen, now, pollMemory, scope, state }: LaneRun): Promise<void> {
  if (state !== 'live' && state !== 'degraded') return
  const { connectionId, organization } = scope
  if (now() - pollMemory.repairLookedAtMs >= REPAIR_LOOK_MS) {
    pollMemory.repairLookedAtMs = now()
    await wantRepair(organization, connectionId, REPAIR_EVERY_MS)
  }
  const wishes = await readWishes(organization, connectionId)
  if (wishes.size > 0) await happen('resync', null)
}

async function fetchMarked(run: LaneRun, marks: readonly Mark[]): Promise<LaneEnd | null> {
  for (const mapped of run.scope.objects) {
    const ours = marks.filter(({ object }) => object === mapped.object)
    for (let from = 0; from < ours.length;) {
      const page = ours.slice(from, from + (run.pollMemory.pageSizes.get(mapped.object) ?? mapped.pageSizeMax))
      const end = await fetchPage(run, mapped, page)
      if (end === tooLarge) run.pollMemory.pageSizes.set(mapped.object, Math.ceil(page.length / 4))
      else if (end !== null) return end
      else from += page.length
    }
  }
  return null
}

/** Null: done. `tooLarge`: nothing was done, fewer have to be asked for at once. */
async function fetchPage(
  run: LaneRun,
  mapped: MappedObject,
  marks: readonly Mark[],
): Promise<LaneEnd | typeof tooLarge | null> {
  const { scope } = run
  const ids = marks.map(({ recordId }) => recordId)
  const readAtMs = run.now() + scope.clockOffsetMs()
  const answer = await run.http.inParts(() => run.connector.get(run.http, selectionOf(mapped), ids))
  if (answer === tooLarge) return marks.length === 1 ? parkTooLarge(run, mapped, marks) : tooLarge
  if (!answer.ok) return failed(answer.failure)
  const found = new Set(answer.value.map(({ id }) => id))
  const goneAt = new Date(run.now() + scope.clockOffsetMs()).toISOString()
  // Asked for by its id and not there: deleted. A read by id does not lag as an index does.
  const gone = ids.filter((id) => !found.has(id)).map((id) => deletedRecord(id, goneAt))
  const readAt = new Date(readAtMs).toISOString()
  const records = [...answer.value.map((record) => ({ ...record, readAt })), ...gone]
  if (await tripsBreaker(run, mapped, records)) return done(null)
  const { applied } = await applyPage(scope, mapped, records, (tx) =>
    clearMarks(tx, scope.connectionId, 'inbound', marks),
  )
  const told = new Map(marks.flatMap(({ recordId, sinceMs, told: isTold }) => (isTold ? [[recordId, sinceMs]] : [])))
  noteApplied(run, mapped, answer.value, { applied, readAtMs }, ({ id }) => told.get(id) ?? null)
  return null
}

/** A record that is more than an answer may be, all by itself. */
async function parkTooLarge(run: LaneRun, { object }: MappedObject, marks: readonly Mark[]): Promise<null> {
  const { connectionId, hold, organization } = run.scope
  await fenced(organization, hold, async (tx) => {
    await park(
      tx,
      connectionId,
      marks.map(({ recordId }) => ({
        object,
        direction: 'inbound' as const,
        recordKey: recordId,
        recordId: null,
        remoteId: recordId,
        code: 'record_too_large',
        reason: 'The record is larger than an answer of the CRM may be.',
        retryMs: null,
      })),
    )
    await clearMarks(tx, connectionId, 'inbound', marks)
  })
  return null
}
