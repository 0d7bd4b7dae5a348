// A stored connection as the API shows it.
import type { Connection } from '@rowhouse/contracts'
import type { Connector } from '@rowhouse/connectors'
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
