// The outbound lane: settles what is uncertain, then plans, sends and settles batch by batch until nothing is
// due or the slice is over.
import { applyPage } from '../apply/apply-page.ts'
import { pruneDeliveries } from '../home/deliveries.ts'
import { PutDown } from '../http/http.ts'
import { breakerReason, breaks, countLinked } from '../pull/breaker.ts'
import { selectionOf } from '../pull/selection.ts'
import { done, failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'
import { planBatch } from './plan-batch.ts'
import type { OutgoingBatch } from './plan-batch.ts'
import { sendBatch } from './send-batch.ts'
import { settleBatch } from './settle-batch.ts'
import { settleUncertain } from './settle-uncertain.ts'

const BATCHES_MAX = 20
/** Deliveries kept for the activity of a connection. */
export const DELIVERIES_KEPT = 20_000
const PRUNED_MAX = 2000
/** Pruning looks at an index; every so many runs is often enough. */
const PRUNE_EVERY_RUNS = 50

export async function runOutbound(run: LaneRun, runs: number): Promise<LaneEnd> {
  const { scope } = run
  let settlesFirst = true
  let revives = run.pollMemory.revivalIsDue('outbound', run.now())
  for (let count = 0; count < BATCHES_MAX && !run.ending(); count++) {
    let tripped: string | null = null
    const planned = await planBatch(scope, {
      settlesFirst,
      revives,
      ready: run.ready,
      deletesAllowed: async (deletes, mapped, tx) => {
        if (run.deletesAllowed) return true
        if (!breaks(deletes, await countLinked(tx, scope.connectionId, mapped.object))) return true
        tripped = breakerReason(deletes, mapped.object, 'here')
        return false
      },
    })
    settlesFirst = false
    revives = false
    if (planned.kind === 'unsettled') {
      const end = await settleUncertain(run)
      if (end !== null) return end
      continue
    }
    if (planned.kind === 'idle') {
      if (runs % PRUNE_EVERY_RUNS === 0)
        await pruneDeliveries(scope.organization, scope.connectionId, DELIVERIES_KEPT, PRUNED_MAX)
      return done(planned.nextMs)
    }
    const { batch } = planned
    if (tripped !== null) {
      await run.happen('pause', tripped)
      return done(null)
    }
    if (batch.outgoing.length === 0) continue
    const looked = await lookBeforeDeletes(run, batch)
    if (looked !== null) return looked
    const { sent, failure } = await sendBatch(run.connector, run.http, batch.mapped, batch.outgoing)
    const settled = await settleBatch(scope, batch.mapped, sent)
    const nowMs = run.now()
    // The poll will show our own write once more: it says nothing about how late we are.
    for (const one of sent)
      if (one.outcome === 'answered' && one.result.outcome === 'done' && one.result.record !== null)
        run.pollMemory.remember(batch.mapped.object, one.result.record.id, one.result.record.modifiedAt, 0)
    for (const { delivery } of settled.delivered) run.latencies.outbound.add(nowMs - delivery.atMs)
    run.observe({
      type: 'sent',
      organizationId: scope.organizationId,
      connectionId: scope.connectionId,
      object: batch.mapped.object,
      records: settled.delivered.length,
      parked: settled.parked,
    })
    if (failure instanceof PutDown) throw failure
    if (failure !== null) return failed(failure)
  }
  return done(0)
}

/**
 * Reads what is about to be deleted there: what somebody changed and nobody has seen is recorded as a conflict
 * before it is destroyed. Deletes have no condition at either provider, so a moment remains between the two.
 */
async function lookBeforeDeletes(run: LaneRun, { mapped, outgoing }: OutgoingBatch): Promise<LaneEnd | null> {
  const ids = outgoing.flatMap(({ delivery }) =>
    delivery.kind === 'delete' && delivery.remoteId !== null ? [delivery.remoteId] : [],
  )
  if (ids.length === 0) return null
  const answer = await run.connector.get(run.http, selectionOf(mapped), ids)
  if (!answer.ok) return failed(answer.failure)
  await applyPage(run.scope, mapped, answer.value)
  return null
}
