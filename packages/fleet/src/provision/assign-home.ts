// Gives a home to an organization that waits for one: its tables are bound to it, its login gets the limits of its plan, the
// placement says so, and the home's own database learns who belongs to it.
import { RowhouseError } from '@rowhouse/contracts'

import type { CopyToCarry } from '../copies/carry-copy.ts'
import type { FleetContext } from './context.ts'
import { resumeHome } from './create-home.ts'
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
  if (organizationOf(home) !== organizationId) await bindHome(fleet, home, organizationId)
  await codedErrors(fleet.catalogue.query('select rowhouse.assign_home($1, $2)', [homeId, organizationId]))
  const { rows } = await fleet.catalogue.query<{ settling: Settling }>('select rowhouse.settling($1) as settling', [
    organizationId,
  ])
  await settleIn(fleet, (rows[0] as { settling: Settling }).settling)
}

/**
 * A warm home is bound to the organization that would be made with its id. For an older one it is taken first, so that nobody
 * moves in meanwhile, and then made anew from where its login is bound: a run that dies here leaves what the next one finishes.
 */
async function bindHome(fleet: FleetContext, { id }: Home, organizationId: string): Promise<void> {
  const { rowCount } = await fleet.catalogue.query(
    `update rowhouse.homes h set organization_id = $2, state = 'building', step = 'server', updated_at = now()
     where h.id = $1 and h.state = 'spare' and (h.run is null or h.run_until < now())
       and not exists (select from rowhouse.homes other where other.organization_id = $2)
       and exists (select from rowhouse.placements p where p.organization_id = $2 and p.state = 'placing')`,
    [id, organizationId],
  )
  const isBound = rowCount === 1 && (await resumeHome(fleet, id)) !== null
  if (isBound) return
  throw new RowhouseError('home_not_ready', `The home ${id} is another organization's, or ${organizationId} has one.`, {
    details: { home: id },
  })
}

/** What is left to do once the placement says where, as rowhouse.settling() gives it. */
export interface Settling {
  readonly organizationId: string
  readonly state: string
  readonly homeId: string | null
  /** Whether something of the home's login is bounded. */
  readonly isLimited: boolean
  /** Null: the organization lives in the catalogue's database. */
  readonly copy: CopyToCarry | null
}

/** May be done again. */
export async function settleIn(
  fleet: FleetContext,
  { organizationId, homeId, isLimited, copy }: Settling,
): Promise<void> {
  if (isLimited && homeId !== null) await limitHome(fleet, homeId)
  if (copy !== null) await fleet.carryCopy(organizationId, copy)
}
