// The worker's pass over what was begun and not finished: homes under construction whose run died, homes on their way out,
// organizations that wait for a home. It does what a run would have done next, or takes away what cannot be finished.
import { isRowhouseError } from '@rowhouse/contracts'

import { readClusters } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import { resumeHome } from './create-home.ts'
import { placeOrganization } from './create-organization.ts'
import { dropHome } from './drop-home.ts'
import { homeColumns } from './home.ts'
import type { Home } from './home.ts'
import { dropOldTemplates } from './template.ts'

/** Homes and organizations that one pass looks at; the next pass goes on. */
const EACH_MAX = 50
/** A spare that could not be made so often is taken away, and another one is made in its place. */
const ATTEMPTS_MAX = 5
/** A home that is not safe stays this long for somebody to look at. */
const BROKEN_KEPT = '1 day'

export interface ReconcilePass {
  readonly finished: number
  readonly dropped: number
  readonly placed: number
  /** What failed again, and stays for the next pass. */
  readonly failed: number
}

/** Finishes or takes away what was begun. Any number may run at once: each home is held by one of them. */
export async function reconcile(fleet: FleetContext): Promise<ReconcilePass> {
  const pass = { finished: 0, dropped: 0, placed: 0, failed: 0 }
  const attempt = async (what: 'finished' | 'dropped' | 'placed', work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
      pass[what] += 1
    } catch (error) {
      // Another worker has it.
      if (!isRowhouseError(error) || error.code !== 'home_taken') pass.failed += 1
    }
  }
  for (const organizationId of await waiting(fleet)) {
    await attempt('placed', () => placeOrganization(fleet, organizationId))
  }
  for (const home of await unfinished(fleet)) {
    const goes = home.state !== 'building' || home.attempts >= ATTEMPTS_MAX
    await attempt(goes ? 'dropped' : 'finished', () => (goes ? dropHome(fleet, home.id) : resumeHome(fleet, home.id)))
  }
  for (const cluster of await readClusters(fleet.catalogue)) {
    if (cluster.driver !== 'postgres' || cluster.status === 'down' || !cluster.models.includes('database')) continue
    await dropOldTemplates(fleet, cluster).catch(() => undefined)
  }
  return pass
}

async function waiting(fleet: FleetContext): Promise<string[]> {
  const { rows } = await fleet.catalogue.query<{ id: string }>(
    `select p.organization_id as id
     from rowhouse.placements p left join rowhouse.homes h on h.organization_id = p.organization_id
     where p.state = 'placing' and (h.run_until is null or h.run_until < now())
       -- A request that makes one at this moment has not written it down yet.
       and p.updated_at < now() - interval '5 seconds'
     order by p.updated_at limit $1`,
    [EACH_MAX],
  )
  return rows.map(({ id }) => id)
}

async function unfinished(fleet: FleetContext): Promise<Home[]> {
  const { rows } = await fleet.catalogue.query<Home>(
    `select ${homeColumns} from rowhouse.homes
     where isolation <> 'shared' and organization_id is null and (run is null or run_until < now())
       and (state in ('building', 'dropping') or (state = 'broken' and updated_at < now() - $2::interval))
     order by updated_at limit $1`,
    [EACH_MAX, BROKEN_KEPT],
  )
  return rows
}
