// The login of a home is held to what its organization may have: CONNECTION LIMIT, which the server counts over all processes,
// and the times. What has changed in the catalogue is noted with the home; whoever asked tries at once, and the worker's pass
// goes on where a server did not answer.
import type { HomeLogin } from '@rowhouse/database'

import { readCluster } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import { limitLogin, noLimits } from './login.ts'
import type { LoginLimits } from './login.ts'

/** Homes that one pass looks at; the next pass goes on. */
const HOMES_MAX = 500

interface LimitedHome {
  readonly id: string
  readonly cluster: string
  readonly login: HomeLogin
  /** As the catalogue says it at this moment; null: nothing is bounded. */
  readonly limits: string | null
}

const homes = `
  select h.id, h.cluster, h.login, o.limits::text as limits
  from rowhouse.homes h join rowhouse.organizations o on o.id = h.organization_id
  where h.state = 'assigned' and h.isolation <> 'shared'`

export interface LimitsPass {
  readonly limited: number
  /** Not reached; they stay due. */
  readonly failed: number
}

/** Gives the login of a new home its limits; where nothing is bounded it is as it should be. */
export async function limitHome(fleet: FleetContext, homeId: string): Promise<void> {
  const { rows } = await fleet.catalogue.query<LimitedHome>(`${homes} and h.id = $1`, [homeId])
  for (const home of rows) {
    const isBounded = Object.values(loginLimits(home.limits)).some((limit) => limit !== null)
    if (isBounded) await limit(fleet, home)
  }
}

/** The same of an organization, after its plan or its own limits changed. Nothing happens where it shares a login. */
export async function limitOrganization(fleet: FleetContext, organizationId: string): Promise<void> {
  const { rows } = await fleet.catalogue.query<LimitedHome>(`${homes} and h.organization_id = $1`, [organizationId])
  for (const home of rows) await limit(fleet, home)
}

/** Does what is noted. Of a server that fails no more is tried in this pass. */
export async function keepLimits(fleet: FleetContext): Promise<LimitsPass> {
  const { rows } = await fleet.catalogue.query<LimitedHome>(
    `${homes} and h.limits_due order by h.cluster, h.id limit $1`,
    [HOMES_MAX],
  )
  const pass = { limited: 0, failed: 0 }
  const failed = new Set<string>()
  for (const home of rows) {
    if (failed.has(home.cluster)) {
      pass.failed += 1
      continue
    }
    try {
      await limit(fleet, home)
      pass.limited += 1
    } catch {
      failed.add(home.cluster)
      pass.failed += 1
    }
  }
  return pass
}

async function limit(fleet: FleetContext, { id, cluster, login, limits }: LimitedHome): Promise<void> {
  const place = await readCluster(fleet.catalogue, cluster)
  await fleet.servers.asAdmin(place, null, (client) => limitLogin(client, login, loginLimits(limits)))
  // Where it has changed meanwhile it stays due.
  await fleet.catalogue.query(
    `update rowhouse.homes h set limits_due = false
     from rowhouse.organizations o
     where h.id = $1 and o.id = h.organization_id and o.limits is not distinct from $2::jsonb`,
    [id, limits],
  )
}

function loginLimits(limits: string | null): LoginLimits {
  if (limits === null) return noLimits
  const { loginConnections, statementTimeoutMs, idleInTransactionTimeoutMs } = JSON.parse(limits) as Partial<
    Record<string, number>
  >
  return {
    connections: loginConnections ?? null,
    statementTimeoutMs: statementTimeoutMs ?? null,
    idleInTransactionTimeoutMs: idleInTransactionTimeoutMs ?? null,
  }
}
