// Looks for what our writes went over, where the provider takes no conditions and keeps a history: with each poll, the
// writes since the last one, as many a call as the provider tells of at once. Not right after each write: a call for every
// edit would double what an edit costs, and a conflict can wait for the next poll.
import type { FieldHistory } from '@rowhouse/connectors'
import { fenced } from '../home/fence.ts'
import { addOverwritten, readUnexamined, settleExamined } from '../home/overwritten.ts'
import type { Unexamined } from '../home/overwritten.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { findDestroyed, findOverwritten } from '../plan/overwritten.ts'
import { failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { selectionOf } from './selection.ts'

const CALLS_MAX = 20

/** Null: everything was looked at, or as much as one run may. */
export async function lookForOverwritten(run: LaneRun): Promise<LaneEnd | null> {
  const { history } = run.connector
  if (history === undefined) return null
  for (const mapped of run.scope.objects)
    for (let calls = 0; calls < CALLS_MAX && !run.ending(); calls++) {
      const looked = await lookAtSome(run, history, mapped)
      if (looked === 'done') break
      if (looked !== 'more') return looked
    }
  return null
}

async function lookAtSome(
  run: LaneRun,
  history: FieldHistory,
  mapped: MappedObject,
): Promise<LaneEnd | 'done' | 'more'> {
  const { connectionId, hold, organization } = run.scope
  const deliveries = await readUnexamined(organization, connectionId, mapped.object, history.recordsMax)
  if (deliveries.length === 0) return 'done'
  const selection = selectionOf(mapped)
  const asked = new Set(deliveries.flatMap((delivery) => fieldsOf(delivery, selection.fields)))
  const answer = await history.read(
    run.http,
    { ...selection, fields: selection.fields.filter((field) => asked.has(field)), references: [] },
    deliveries.map(({ remoteId }) => remoteId),
  )
  // A history that is refused is no reason to pause what syncs: it is asked for again with the next poll.
  if (!answer.ok) return answer.failure.action === 'pause' ? 'done' : failed(answer.failure)
  const histories = new Map(answer.value.map(({ id, fields }) => [id, fields]))
  const overwritten = deliveries.flatMap((delivery) => {
    const { id, kind, priorVersion, remoteId, sent } = delivery
    const told = histories.get(remoteId) ?? {}
    const found =
      kind === 'delete'
        ? findDestroyed(selection.fields, priorVersion, told)
        : findOverwritten(sent, priorVersion, told)
    return found.map((conflict) => ({ ...conflict, deliveryId: id }))
  })
  await fenced(organization, hold, async (tx) => {
    await addOverwritten(tx, connectionId, overwritten)
    await settleExamined(
      tx,
      connectionId,
      deliveries.map(({ id }) => id),
    )
  })
  return deliveries.length < history.recordsMax ? 'done' : 'more'
}

/** A delete takes every field along. */
const fieldsOf = ({ kind, sent }: Unexamined, all: readonly string[]): readonly string[] =>
  kind === 'delete' ? all : Object.keys(sent)
