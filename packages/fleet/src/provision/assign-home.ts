// Gives a home to an organization that waits for one: its tables are bound to it, its login gets the limits of its plan, the
// placement says so, and the home's own database learns who belongs to it.
import { RowhouseError } from '@rowhouse/contracts'

import { readCluster } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import { organizationOf, readHome } from './home.ts'
import type { Home } from './home.ts'
import { limitHome } from './keep-limits.ts'
import { codedErrors } from './refusal.ts'

/**
 * @throws RowhouseError home_not_ready: the home has another organization or is not whole, or the organization has a home;
 * home_unknown, database_unreachable
 */
export async function assignHome(fleet: FleetContext, homeId: string, organizationId: string): Promise<void> {
  const home = await readHome(fleet.catalogue, homeId)
  if (home.organizationId !== null && home.organizationId !== organizationId) {
    throw new RowhouseError('home_not_ready', `The home ${homeId} is another organization's.`, {
      details: { home: homeId },
    })
  }
  await bindHome(fleet, home, organizationId)
  await codedErrors(fleet.catalogue.query('select rowhouse.assign_home($1, $2)', [homeId, organizationId]))
  await settleIn(fleet, homeId, organizationId)
}

/** A warm home is bound to the organization that would be made with its id; an older one needs other checks. */
async function bindHome(fleet: FleetContext, home: Home, organizationId: string): Promise<void> {
  if (organizationOf(home) === organizationId) return
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  await fleet.servers.asMigrator(
    cluster,
    home.databaseName,
    async (client) => {
      await client.query('begin')
      await client.query('select rowhouse.register_home($1, $2, $3)', [home.schemaName, home.login, organizationId])
      await client.query('select from rowhouse.settle_home($1)', [home.schemaName])
      await client.query('commit')
    },
    { keep: home.isolation === 'schema' },
  )
}

/** What follows once the placement says where. May be done again. */
export async function settleIn(fleet: FleetContext, homeId: string, organizationId: string): Promise<void> {
  await limitHome(fleet, homeId)
  await fleet.carryCopy(organizationId)
}
