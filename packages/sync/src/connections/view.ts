// A stored connection as the API shows it.
import type { Connection } from '@rowhouse/contracts'
import type { Connector } from '@rowhouse/connectors'
import type { HeldStream } from '../stream/status.ts'
import type { StoredConnection } from './store.ts'

export function toConnectionView(stored: StoredConnection, connector: Connector | undefined): Connection {
  const { health } = stored
  return {
    id: stored.id,
    organizationId: stored.organizationId,
    connector: stored.connector,
    account: stored.account,
    accountName: stored.accountName,
    state: stored.state,
    stateReason: stored.stateReason,
    lagMs: health.lagMs ?? 0,
    latencyMs: health.latencyMs ?? { outbound: null, inbound: null },
    records: health.records ?? 0,
    deadLetters: health.deadLetters ?? 0,
    conflicts: health.conflicts ?? 0,
    lastError: health.lastError ?? null,
    lastSyncedAt: health.lastSyncedAt ?? null,
    pollIntervalMs: stored.pollIntervalMs,
    webhooks: connector?.describe().capabilities.webhooks ?? false,
    events: connector?.stream === undefined ? null : eventsOf(stored.stream),
    objects:
      health.objects ??
      stored.mapping.map(({ object, table }) => ({
        object,
        table,
        records: 0,
        backfilled: 0,
        expected: null,
        backfillDone: false,
      })),
    createdAt: stored.createdAt,
  }
}

function eventsOf(stream: HeldStream | null): Connection['events'] {
  if (stream === null) return { state: 'reconnecting', since: null, lastEventAt: null, lagMs: null, reason: null }
  const { held, lagMs, lastEventAt, missed, reason, since, state } = stream
  return {
    // Connected as far as its last holder knew; between two holders nobody listens.
    state: state === 'connected' && !held ? 'reconnecting' : state,
    since,
    lastEventAt,
    lagMs,
    reason: reason ?? (stream.distrusted ? (missed ?? null) : null),
  }
}
