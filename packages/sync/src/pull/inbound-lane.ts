// The inbound lane: records that a webhook, a parent or a stale read made due, then the poll, then deletes.
// It fetches outside of any transaction and lets applyPage do the rest.
import { applyPage } from '../apply/apply-page.ts'
import { clearMarks, nextDueMs, readMarks } from '../home/marks.ts'
import type { Mark } from '../home/marks.ts'
import { reviveDeadLetters } from '../home/records.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { done, failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { noteApplied, tripsBreaker } from './applied.ts'
import { pollRound } from './poll.ts'
import { deletedRecord, selectionOf } from './selection.ts'

const MARKS_MAX = 1000
const ROUNDS_MAX = 20

export async function runInbound(run: LaneRun): Promise<LaneEnd> {
  const { scope } = run
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
  const { pollMemory } = run
  const isDue = pollMemory.unfinished.size > 0 || run.now() - pollMemory.polledAtMs >= run.pollIntervalMs
  if (isDue && !run.ending()) {
    const polledAtMs = run.now()
    // Until it is done it is due: a round that failed is tried again after the backoff, not after the interval.
    pollMemory.polledAtMs = Number.NEGATIVE_INFINITY
    pollMemory.rounds += 1
    const end = await pollRound(run)
    if (end !== null) return end
    pollMemory.polledAtMs = polledAtMs
  }
  const pollMs =
    pollMemory.unfinished.size > 0 ? 0 : Math.max(0, pollMemory.polledAtMs + run.pollIntervalMs - run.now())
  const markMs = await nextDueMs(scope.organization, scope.connectionId, 'inbound')
  return done(markMs === null ? pollMs : Math.min(pollMs, markMs))
}

async function fetchMarked(run: LaneRun, marks: readonly Mark[]): Promise<LaneEnd | null> {
  for (const mapped of run.scope.objects) {
    const ours = marks.filter(({ object }) => object === mapped.object)
    for (let from = 0; from < ours.length; from += mapped.pageSizeMax) {
      const end = await fetchPage(run, mapped, ours.slice(from, from + mapped.pageSizeMax))
      if (end !== null) return end
    }
  }
  return null
}

async function fetchPage(run: LaneRun, mapped: MappedObject, marks: readonly Mark[]): Promise<LaneEnd | null> {
  const { scope } = run
  const ids = marks.map(({ recordId }) => recordId)
  const readAtMs = run.now() + scope.clockOffsetMs()
  const answer = await run.connector.get(run.http, selectionOf(mapped), ids)
  if (!answer.ok) return failed(answer.failure)
  const found = new Set(answer.value.map(({ id }) => id))
  const goneAt = new Date(run.now() + scope.clockOffsetMs()).toISOString()
  // Asked for by its id and not there: deleted. A read by id does not lag as an index does.
  const gone = ids.filter((id) => !found.has(id)).map((id) => deletedRecord(id, goneAt))
  const records = [...answer.value, ...gone]
  if (await tripsBreaker(run, mapped, records)) return done(null)
  const { applied } = await applyPage(scope, mapped, records, (tx) =>
    clearMarks(tx, scope.connectionId, 'inbound', marks),
  )
  const told = new Map(marks.flatMap(({ recordId, sinceMs, told: isTold }) => (isTold ? [[recordId, sinceMs]] : [])))
  noteApplied(run, mapped, answer.value, { applied, readAtMs }, ({ id }) => told.get(id) ?? null)
  return null
}
