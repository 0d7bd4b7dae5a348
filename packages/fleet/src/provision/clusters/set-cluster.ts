// Changes what a cluster takes. What lives there is not touched.
import type { FleetContext } from '../context.ts'
import { readCluster } from './cluster.ts'
import type { Cluster, Isolation } from './cluster.ts'

export interface ClusterChange {
  readonly status?: 'active' | 'draining' | undefined
  readonly models?: readonly Isolation[] | undefined
  readonly organizationsMax?: number | null | undefined
  readonly schemasMax?: number | null | undefined
  readonly databasesMax?: number | null | undefined
  readonly connectionsMax?: number | null | undefined
  readonly spareSchemas?: number | undefined
  readonly spareDatabases?: number | undefined
}

const columns: Readonly<Record<keyof ClusterChange, string>> = {
  status: 'status',
  models: 'models',
  organizationsMax: 'organizations_max',
  schemasMax: 'schemas_max',
  databasesMax: 'databases_max',
  connectionsMax: 'connections_max',
  spareSchemas: 'spare_schemas',
  spareDatabases: 'spare_databases',
}

/** What is not named stays. @throws RowhouseError cluster_unknown */
export async function setCluster(fleet: FleetContext, id: string, change: ClusterChange): Promise<Cluster> {
  const named = Object.entries(change).filter(([, value]) => value !== undefined)
  if (named.length > 0) {
    const assignments = named.map(([name], position) => `${columns[name as keyof ClusterChange]} = $${position + 2}`)
    await fleet.catalogue.query(
      `update rowhouse.clusters set ${assignments.join(', ')}, updated_at = now() where id = $1`,
      [id, ...named.map(([, value]) => value)],
    )
  }
  return readCluster(fleet.catalogue, id)
}
