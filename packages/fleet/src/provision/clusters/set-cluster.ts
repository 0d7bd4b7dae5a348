// Changes what a cluster takes, and how it is reached as its administrator. What lives there is not touched.
import { RowhouseError } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'

import type { FleetContext } from '../context.ts'
import { lookAt, readAdminUrl, requireAuthority } from './add-cluster.ts'
import { readCluster } from './cluster.ts'
import type { Cluster, Isolation } from './cluster.ts'

export interface ClusterChange {
  /** The administrator's: another login or password, or the address that the same server has now. */
  readonly url?: string | undefined
  /** PEM; null: the authorities that Node trusts. Only with `url`. */
  readonly tlsCa?: string | null | undefined
  readonly status?: 'active' | 'draining' | undefined
  readonly models?: readonly Isolation[] | undefined
  readonly organizationsMax?: number | null | undefined
  readonly schemasMax?: number | null | undefined
  readonly databasesMax?: number | null | undefined
  readonly connectionsMax?: number | null | undefined
  readonly spareSchemas?: number | undefined
  readonly spareDatabases?: number | undefined
  readonly retiredDays?: number | undefined
}

const columns: Readonly<Record<Exclude<keyof ClusterChange, 'url' | 'tlsCa'>, string>> = {
  status: 'status',
  models: 'models',
  organizationsMax: 'organizations_max',
  schemasMax: 'schemas_max',
  databasesMax: 'databases_max',
  connectionsMax: 'connections_max',
  spareSchemas: 'spare_schemas',
  spareDatabases: 'spare_databases',
  retiredDays: 'retired_days',
}

/**
 * What is not named stays.
 *
 * @throws RowhouseError cluster_unknown, and with a URL what addCluster throws; cluster_differs where another server answers
 */
export async function setCluster(
  fleet: FleetContext,
  id: string,
  { url, tlsCa, ...change }: ClusterChange,
): Promise<Cluster> {
  const cluster = await readCluster(fleet.catalogue, id)
  if (url === undefined && tlsCa !== undefined) {
    throw new RowhouseError('invalid_option', 'tlsCa says whom to believe at a url: name both.', {
      details: { option: 'tlsCa' },
    })
  }
  if (url !== undefined) await setUrl(fleet, cluster, url, tlsCa === undefined ? cluster.tlsCa : tlsCa)
  const named = Object.entries(change).filter(([, value]) => value !== undefined)
  if (named.length > 0) {
    const assignments = named.map(([name], position) => `${columns[name as keyof typeof columns]} = $${position + 2}`)
    await fleet.catalogue.query(
      `update rowhouse.clusters set ${assignments.join(', ')}, updated_at = now() where id = $1`,
      [id, ...named.map(([, value]) => value)],
    )
  }
  return readCluster(fleet.catalogue, id)
}

/** Looked at before it is written down. The catalogue's own server keeps no address: every application has its own way there. */
async function setUrl(fleet: FleetContext, cluster: Cluster, text: string, tlsCa: string | null): Promise<void> {
  if (cluster.driver !== 'postgres') {
    throw new RowhouseError('invalid_option', `The cluster ${cluster.id} is no server, but what makes servers.`, {
      details: { option: 'url' },
    })
  }
  const { url, tls } = readAdminUrl(text)
  requireAuthority(tlsCa)
  const { systemIdentifier } = await lookAt(url, { tls, tlsCa })
  const { rows } = await fleet.catalogue.query<{ known: string | null }>(
    `select case when c.host is null then (select system_identifier::text from pg_control_system()) else c.system_identifier end as known
     from rowhouse.clusters c where c.id = $1`,
    [cluster.id],
  )
  const known = rows[0]?.known ?? null
  if (known !== null && known !== systemIdentifier) {
    throw new RowhouseError('cluster_differs', `At ${url.host} is another server than the cluster ${cluster.id}.`, {
      details: { cluster: cluster.id, host: url.host },
    })
  }
  // The database that shared and schema homes are in stays the one it was.
  const database = (await fleet.servers.dataDatabase(cluster)) ?? (await catalogueDatabase(fleet))
  url.pathname = `/${encodeURIComponent(database)}`
  if (cluster.host === null && tls === 'verify-full') url.searchParams.set('sslmode', 'verify-full')
  await inTransaction(fleet.catalogue, async (client) => {
    const sealed = await fleet.servers.seal(client, cluster.id, url.href)
    await client.query(
      `update rowhouse.clusters set admin_sealed = $2, key_id = $3, updated_at = now(),
         host = case when host is null then null else $4 end, port = case when host is null then port else $5 end,
         tls = case when host is null then tls else $6 end, tls_ca = $7
       where id = $1`,
      [
        cluster.id,
        sealed.value,
        sealed.keyId,
        url.hostname.replace(/^\[|\]$/g, ''),
        Number(url.port || 5432),
        tls,
        tlsCa,
      ],
    )
  })
}

async function catalogueDatabase(fleet: FleetContext): Promise<string> {
  const { rows } = await fleet.catalogue.query<{ name: string }>('select current_database() as name')
  return (rows[0] as { name: string }).name
}
