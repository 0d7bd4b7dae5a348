// Clusters, for operators. What a cluster is and how it is looked at, the fleet knows.
import type { Cluster, DataDatabase } from '@rowhouse/contracts'
import type { Cluster as FleetCluster } from '@rowhouse/fleet'
import type { Handlers } from '../context.ts'
import { ofBody } from '../http/errors.ts'

type Mine = 'listClusters' | 'addCluster' | 'setCluster' | 'checkCluster' | 'listDatabases'

export const clusterHandlers: Pick<Handlers, Mine> = {
  listClusters: async ({ services }) => ({ items: (await services.fleet.clusters.list()).map(shown) }),
  addCluster: async ({ services, body }) => shown(await ofBody(services.fleet.clusters.add(body))),
  setCluster: async ({ services, params, body }) =>
    shown(await ofBody(services.fleet.clusters.set(params.clusterId, body))),
  checkCluster: async ({ services, params }) => shown(await services.fleet.clusters.check(params.clusterId)),

  async listDatabases({ services, query }) {
    const [counts] = await services.catalogue.query<{ total: number; failing: number }>(
      `select count(*)::int as total, (count(*) filter (where error is not null))::int as failing
       from rowhouse.data_databases`,
    )
    const items = await services.catalogue.query<DataDatabase>(
      `select cluster, database_name as "databaseName", error, attempts, unsealed,
         ${iso('kept_at')} as "keptAt", ${iso('pruned_at')} as "prunedAt", ${iso('failing_since')} as "failingSince"
       from rowhouse.data_databases
       where not $1 or error is not null
       order by failing_since nulls last, kept_at nulls first, cluster, database_name limit $2`,
      [query.failing === 'true', query.limit],
    )
    return { items, total: counts?.total ?? 0, failing: counts?.failing ?? 0 }
  },
}

const iso = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** Without the URL, sealed as it is, and the certificate. */
function shown({ adminSealed: _sealed, tlsCa: _ca, systemIdentifier: _system, ...cluster }: FleetCluster): Cluster {
  return { ...cluster, models: [...cluster.models], checkedAt: cluster.checkedAt?.toISOString() ?? null }
}
