// Health: whether a cluster answers, as whom it was added, and whether it is still the same server. A cluster that does not is
// `down`: no organization is placed there until a check succeeds; those that live there are not touched.
import { isRowhouseError } from '@rowhouse/contracts'

import { inParallel } from '../../in-parallel.ts'
import type { FleetContext } from '../context.ts'
import { driverOf } from '../server-home.ts'
import { lookAt } from './add-cluster.ts'
import type { ServerFacts } from './add-cluster.ts'
import { readCluster, readClusters } from './cluster.ts'
import type { Cluster } from './cluster.ts'

/** Clusters that are looked at at the same time. */
const CHECKS_MAX = 8

/** Looks at one cluster and writes down what it found. */
export async function checkCluster(fleet: FleetContext, id: string): Promise<Cluster> {
  const cluster = await readCluster(fleet.catalogue, id)
  let facts: ServerFacts | null = null
  let problem: string | null = null
  try {
    facts = await probe(fleet, cluster)
    if (facts !== null && cluster.systemIdentifier !== null && facts.systemIdentifier !== cluster.systemIdentifier) {
      problem = 'Another server answers under this name: its system identifier differs.'
    }
  } catch (error) {
    problem = `${isRowhouseError(error) ? `${error.code}: ` : ''}${error instanceof Error ? error.message : String(error)}`
  }
  await fleet.catalogue.query(
    `update rowhouse.clusters
     set checked_at = now(), check_error = $2, updated_at = now(),
       status = case when status = 'draining' then status when $2::text is null then 'active' else 'down' end,
       server_version = coalesce($3, server_version),
       system_identifier = case when $2::text is null then coalesce(system_identifier, $4) else system_identifier end
     where id = $1`,
    [id, problem?.slice(0, 1000) ?? null, facts?.version ?? null, facts?.systemIdentifier ?? null],
  )
  // Said when it changes, not every half minute.
  if ((cluster.checkError === null) !== (problem === null)) {
    fleet.observe({ type: 'cluster_checked', cluster: id, error: problem })
  }
  return readCluster(fleet.catalogue, id)
}

/** All of them, also the servers of single homes; those that do not answer hold up few others. */
export async function checkClusters(fleet: FleetContext): Promise<Cluster[]> {
  const clusters = await readClusters(fleet.catalogue, { withServers: true })
  const checked = new Map<string, Cluster>()
  await inParallel(clusters, CHECKS_MAX, async ({ id }) => {
    checked.set(id, await checkCluster(fleet, id))
  })
  return clusters.flatMap(({ id }) => checked.get(id) ?? [])
}

async function probe(fleet: FleetContext, cluster: Cluster): Promise<ServerFacts | null> {
  const access = await fleet.servers.adminUrl(cluster)
  if (cluster.driver !== 'postgres') {
    await driverOf(fleet, cluster).check(access)
    return null
  }
  if (cluster.host !== null)
    return lookAt(new URL(access), cluster, cluster.parent === null ? 'postgres' : databaseOf(access))
  const way = fleet.servers.registeredTls(cluster, access)
  if (way !== null) return lookAt(new URL(access), way, databaseOf(access))
  const { rows } = await fleet.catalogue.query<ServerFacts>(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as "versionText",
            (select system_identifier::text from pg_control_system()) as "systemIdentifier"`,
  )
  return rows[0] as ServerFacts
}

const databaseOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1))
