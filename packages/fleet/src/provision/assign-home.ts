// Gives a home to an organization that waits for one: its tables are bound to it, its login gets the limits of its plan, the
// placement says so, and the home's own database learns who belongs to it.
import { RowhouseError } from '@rowhouse/contracts'

import { readCluster } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import { organizationOf, readHome } from './home.ts'
import type { Home } from './home.ts'
import { limitLogin, noLimits } from './login.ts'
import type { LoginLimits } from './login.ts'
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
  const limits = await loginLimits(fleet, organizationId)
  if (limits !== null) await limitHome(fleet, await readHome(fleet.catalogue, homeId), limits)
  await fleet.carryCopy(organizationId)
}

async function limitHome(fleet: FleetContext, home: Home, limits: LoginLimits): Promise<void> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  await fleet.servers.asAdmin(cluster, null, (client) => limitLogin(client, home.login, limits))
}

/** After a change of plan: its limits hold for new connections. Nothing happens for an organization that shares a login. */
export async function limitOrganization(fleet: FleetContext, organizationId: string): Promise<void> {
  const { rows } = await fleet.catalogue.query<{ id: string }>(
    `select id from rowhouse.homes where organization_id = $1 and state = 'assigned'`,
    [organizationId],
  )
  const [home] = rows
  if (home === undefined) return
  await limitHome(
    fleet,
    await readHome(fleet.catalogue, home.id),
    (await loginLimits(fleet, organizationId)) ?? noLimits,
  )
}

/** What the plan bounds, or null where it bounds nothing. */
export async function loginLimits(fleet: FleetContext, organizationId: string): Promise<LoginLimits | null> {
  const { rows } = await fleet.catalogue.query<LoginLimits>(
    `select p.login_connections_max as connections,
            coalesce(l.statement_timeout_ms, p.statement_timeout_ms) as "statementTimeoutMs",
            coalesce(l.idle_in_transaction_timeout_ms, p.idle_in_transaction_timeout_ms) as "idleInTransactionTimeoutMs"
     from rowhouse.organizations o
     join rowhouse.plans p on p.id = o.plan
     left join rowhouse.organization_limits l on l.organization_id = o.id
     where o.id = $1`,
    [organizationId],
  )
  const [limits] = rows
  return limits === undefined || Object.values(limits).every((limit) => limit === null) ? null : limits
}
