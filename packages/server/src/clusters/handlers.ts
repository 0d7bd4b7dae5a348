// Clusters, for operators. What a cluster is and how it is looked at, the fleet knows.
import type { Cluster } from '@rowhouse/contracts'
import type { Cluster as FleetCluster } from '@rowhouse/fleet'
import type { Handlers } from '../context.ts'
import { ofBody } from '../http/errors.ts'

type Mine = 'listClusters' | 'addCluster' | 'setCluster' | 'checkCluster'

export const clusterHandlers: Pick<Handlers, Mine> = {
  listClusters: async ({ services }) => ({ items: (await services.fleet.clusters.list()).map(shown) }),
  addCluster: async ({ services, body }) => shown(await ofBody(services.fleet.clusters.add(body))),
  setCluster: async ({ services, params, body }) =>
    shown(await ofBody(services.fleet.clusters.set(params.clusterId, body))),
  checkCluster: async ({ services, params }) => shown(await services.fleet.clusters.check(params.clusterId)),
}

/** Without the URL, sealed as it is, and the certificate. */
function shown({ adminSealed: _sealed, tlsCa: _ca, systemIdentifier: _system, ...cluster }: FleetCluster): Cluster {
  return { ...cluster, models: [...cluster.models], checkedAt: cluster.checkedAt?.toISOString() ?? null }
}
