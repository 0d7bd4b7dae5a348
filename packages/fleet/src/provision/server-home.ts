// A home with a server of its own: a driver makes the server, and from then on it is a cluster like any other, with room for
// that one home. Every step after this one is the same as on any server.
import { RowhouseError } from '@rowhouse/contracts'
import { deriveServerPassword } from '@rowhouse/database'

import { addMadeServer, removeMadeServer } from './clusters/add-cluster.ts'
import { readCluster } from './clusters/cluster.ts'
import type { Cluster } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import type { ServerDriver, ServerOrder } from './drivers/driver.ts'
import type { Home } from './home.ts'

/** @throws RowhouseError driver_unknown */
export function driverOf(fleet: FleetContext, cluster: { readonly id: string; readonly driver: string }): ServerDriver {
  const driver = fleet.drivers.get(cluster.driver)
  if (driver !== undefined) return driver
  throw new RowhouseError(
    'driver_unknown',
    `Nothing here knows the driver ${cluster.driver} of the cluster ${cluster.id}.`,
    { details: { cluster: cluster.id, driver: cluster.driver } },
  )
}

/** The server's own name: that of the home's login, without what Rowhouse is called. */
export const serverName = ({ login }: Pick<Home, 'login'>): string => login.slice('rowhouse_'.length).replace('_', '-')

/** Makes the server, where the cluster's driver makes one for each home, and says where the home is now. */
export async function makeServer(
  fleet: FleetContext,
  home: Home,
): Promise<{ cluster?: string; databaseName?: string }> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  if (cluster.driver === 'postgres' || cluster.parent !== null) return {}
  const driver = driverOf(fleet, cluster)
  const name = serverName(home)
  const made = await driver.create(await orderOf(fleet, cluster, name))
  const id = await addMadeServer(fleet, cluster, name, made)
  return { cluster: id, databaseName: decodeURIComponent(new URL(made.adminUrl).pathname.slice(1)) }
}

/** Removes the server of a home, and its cluster. Nothing happens where it has none. */
export async function dropServer(fleet: FleetContext, home: Home): Promise<boolean> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  const parent = cluster.parent === null ? cluster : await readCluster(fleet.catalogue, cluster.parent)
  if (parent.driver === 'postgres') return false
  const driver = driverOf(fleet, parent)
  await driver.remove(await orderOf(fleet, parent, serverName(home)))
  if (cluster.parent !== null) await removeMadeServer(fleet, home, parent.id)
  return true
}

async function orderOf(fleet: FleetContext, cluster: Cluster, name: string): Promise<ServerOrder> {
  return {
    name,
    access: await fleet.servers.adminUrl(cluster),
    region: cluster.region,
    password: deriveServerPassword(fleet.signingKey, name),
    tlsCa: cluster.tlsCa,
  }
}
