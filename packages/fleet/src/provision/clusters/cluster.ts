// A cluster as the catalogue describes it: a Postgres server that organizations may live on.
import type { Pool, PoolClient } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'

export type Isolation = 'shared' | 'schema' | 'database'

export interface Cluster {
  readonly id: string
  readonly region: string
  /** `postgres`: databases are made on the server itself. Others make a server for each home. */
  readonly driver: string
  /** Null: the server of the catalogue. */
  readonly host: string | null
  readonly port: number
  readonly tls: 'verify-full' | 'off'
  /** PEM; null: the authorities that Node trusts. */
  readonly tlsCa: string | null
  readonly models: readonly Isolation[]
  readonly organizationsMax: number | null
  readonly schemasMax: number | null
  readonly databasesMax: number | null
  readonly connectionsMax: number | null
  readonly spareSchemas: number
  readonly spareDatabases: number
  /** How long a home that was left is kept. */
  readonly retiredDays: number
  readonly parent: string | null
  readonly status: 'active' | 'draining' | 'down'
  readonly serverVersion: number | null
  readonly systemIdentifier: string | null
  readonly checkedAt: Date | null
  readonly checkError: string | null
  /** The administrator's URL as it rests. */
  readonly adminSealed: string | null
}

const columns = `
  id, region, driver, host, port, tls, tls_ca as "tlsCa", models, organizations_max as "organizationsMax",
  schemas_max as "schemasMax", databases_max as "databasesMax", connections_max as "connectionsMax",
  spare_schemas as "spareSchemas", spare_databases as "spareDatabases", retired_days as "retiredDays", parent, status,
  server_version as "serverVersion", system_identifier as "systemIdentifier", checked_at as "checkedAt",
  check_error as "checkError", admin_sealed as "adminSealed"`

/** @throws RowhouseError cluster_unknown */
export async function readCluster(catalogue: Pool | PoolClient, id: string): Promise<Cluster> {
  const { rows } = await catalogue.query<Cluster>(`select ${columns} from rowhouse.clusters where id = $1`, [id])
  const [cluster] = rows
  if (cluster === undefined) {
    throw new RowhouseError('cluster_unknown', `There is no cluster named ${id}.`, { details: { cluster: id } })
  }
  return cluster
}

/** All of them, or only those that are not servers of one home each. */
export async function readClusters(
  catalogue: Pool | PoolClient,
  { withServers = false }: { readonly withServers?: boolean } = {},
): Promise<Cluster[]> {
  const { rows } = await catalogue.query<Cluster>(
    `select ${columns} from rowhouse.clusters where parent is null or $1 order by id`,
    [withServers],
  )
  return rows
}
