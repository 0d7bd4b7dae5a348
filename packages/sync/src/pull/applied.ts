// What every way of reading does around applying a page, by mark or by poll: look for too many deletes before,
// remember and measure what came after.
import type { RemoteRecord } from '@rowhouse/connectors'
import type { MappedObject } from '../mapping/mapping.ts'
import type { LaneRun } from '../schedule/lane-run.ts'
import { breakerReason, breaks, countAffected, countLinked } from './breaker.ts'

/** Pauses the connection when the deletes among the records are too many to be meant. */
export async function tripsBreaker(
  run: LaneRun,
  mapped: MappedObject,
  records: readonly RemoteRecord[],
): Promise<boolean> {
  const { scope } = run
  const deleted = records.filter((record) => record.deleted).map(({ id }) => id)
  if (run.deletesAllowed || deleted.length === 0) return false
  const affected = await countAffected(scope.organization, scope.connectionId, mapped.object, deleted)
  if (!breaks(affected, await countLinked(scope.organization, scope.connectionId, mapped.object))) return false
  await run.happen('pause', breakerReason(affected, mapped.object, 'in the CRM'))
  return true
}

export function noteApplied(
  run: LaneRun,
  mapped: MappedObject,
  records: readonly RemoteRecord[],
  { applied, readAtMs }: { readonly applied: number; /** On the provider's clock. */ readonly readAtMs: number },
  /** When its change became knowable, on our clock; null: its lateness says nothing. */
  knowableMs: (record: RemoteRecord) => number | null,
): void {
  if (applied === 0) return
  // What is found while the backfill reads is part of it.
  const isLive = run.state === 'live' || run.state === 'degraded'
  for (const record of records) {
    if (run.pollMemory.isNew(mapped.object, record.id, record.modifiedAt)) {
      const sinceMs = knowableMs(record)
      const durationMs = run.now() - (sinceMs ?? 0)
      // Older ones were not late: the connection was paused, or nobody worked.
      if (sinceMs !== null && isLive && durationMs < LATENCY_MS_MAX) run.latencies.inbound.add(durationMs)
    }
    run.pollMemory.remember(mapped.object, record.id, record.modifiedAt, readAtMs)
  }
  const { organizationId, connectionId } = run.scope
  run.observe({
    type: 'applied',
    organizationId,
    connectionId,
    object: mapped.object,
    records: applied,
    lane: 'inbound',
  })
}

const LATENCY_MS_MAX = 10 * 60_000
