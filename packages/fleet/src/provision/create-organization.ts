// A new organization with the home that its plan asks for. Where one is ready the catalogue does it in one call; else the
// home is made now, and until then the organization is there but nobody enters it. When no cluster can make one, nothing of
// it is left.
import { RowhouseError } from '@rowhouse/contracts'

import type { FleetContext } from './context.ts'
import { assignHome, settleIn } from './assign-home.ts'
import type { Settling } from './assign-home.ts'
import { createHome, resumeHome } from './create-home.ts'
import { dropHome } from './drop-home.ts'
import { homeColumns } from './home.ts'
import type { Home } from './home.ts'
import { coded, codedErrors } from './refusal.ts'

export interface NewOrganization {
  readonly name: string
  readonly slug: string
  readonly ownerId: string | null
  /** @default the plan standard */
  readonly plan?: string | null
}

/**
 * Creates an organization where its plan says, and answers when it can be used.
 *
 * @returns its id
 * @throws RowhouseError slug_taken, plan_unknown, cluster_missing, cluster_full, and what the last cluster refused with that
 * was tried
 */
export async function createOrganization(fleet: FleetContext, organization: NewOrganization): Promise<string> {
  const { name, slug, ownerId, plan = null } = organization
  const { rows } = await codedErrors(
    fleet.catalogue.query<{ opened: Settling }>('select rowhouse.open_organization($1, $2, $3, $4) as opened', [
      name,
      slug,
      ownerId,
      plan,
    ]),
  )
  const { opened } = rows[0] as { opened: Settling }
  const { organizationId: id } = opened
  if (opened.state !== 'placing') {
    await settleIn(fleet, opened)
    return id
  }
  try {
    await placeOrganization(fleet, id)
  } catch (error) {
    if (await removeOrganization(fleet, id)) throw coded(error)
    // A worker that found it waiting is faster, or has been.
    if (await isWaiting(fleet, id)) {
      throw new RowhouseError('organization_busy', `Another process makes the home of the organization ${id}.`, {
        details: { organizationId: id },
        cause: error,
      })
    }
  }
  return id
}

/**
 * Makes the home that an organization waits for, on the first cluster that can. Goes on with what an earlier run began.
 *
 * @throws as createOrganization()
 */
export async function placeOrganization(fleet: FleetContext, organizationId: string): Promise<void> {
  const { plan, isolation } = await readPlan(fleet, organizationId)
  const begun = await homeOf(fleet, organizationId)
  if (begun !== null) {
    const home = await resumeHome(fleet, begun.id)
    if (home !== null) await assignHome(fleet, home.id, organizationId)
    return
  }
  const { rows } = await codedErrors(
    fleet.catalogue.query<{ cluster: string }>('select c as cluster from rowhouse.clusters_for($1) c', [plan]),
  )
  // Dropped when the organization has another: a server that is away answers late, and a worker would find it without one.
  const left: string[] = []
  try {
    for (const [position, { cluster }] of rows.entries()) {
      try {
        const home = await createHome(fleet, { cluster, isolation, organizationId })
        await assignHome(fleet, home.id, organizationId)
        return
      } catch (error) {
        if (position === rows.length - 1) throw error
        left.push(...(await leaveHome(fleet, organizationId)))
      }
    }
  } finally {
    for (const id of left) await dropHome(fleet, id).catch(() => undefined)
  }
}

async function isWaiting(fleet: FleetContext, organizationId: string): Promise<boolean> {
  const { rowCount } = await fleet.catalogue.query(
    `select from rowhouse.placements where organization_id = $1 and state = 'placing'`,
    [organizationId],
  )
  return rowCount === 1
}

interface Plan {
  readonly plan: string
  readonly isolation: Home['isolation']
}

async function readPlan(fleet: FleetContext, organizationId: string): Promise<Plan> {
  const { rows } = await fleet.catalogue.query<Plan>(
    `select o.plan, p.isolation from rowhouse.organizations o join rowhouse.plans p on p.id = o.plan where o.id = $1`,
    [organizationId],
  )
  return rows[0] as Plan
}

async function homeOf(fleet: FleetContext, organizationId: string): Promise<Home | null> {
  const { rows } = await fleet.catalogue.query<Home>(
    `select ${homeColumns} from rowhouse.homes where organization_id = $1`,
    [organizationId],
  )
  return rows[0] ?? null
}

/** The home that could not be made is nobody's from now on; what there is of it goes now or when its server answers again. */
const LEAVE_HOME = `
  update rowhouse.homes h set state = 'dropping', organization_id = null, updated_at = now()
  where h.organization_id = $1 and h.state <> 'assigned' and (h.run is null or h.run_until < now())
  returning h.id`

async function leaveHome(fleet: FleetContext, organizationId: string): Promise<string[]> {
  const { rows } = await fleet.catalogue.query<{ id: string }>(LEAVE_HOME, [organizationId])
  return rows.map(({ id }) => id)
}

/** Both in one statement, or a worker would find the one without the other. False where a worker makes its home. */
async function removeOrganization(fleet: FleetContext, organizationId: string): Promise<boolean> {
  const { rows } = await fleet.catalogue.query<{ homes: string[]; gone: boolean }>(
    `with left_home as (${LEAVE_HOME}), gone as (
       delete from rowhouse.organizations o
       where o.id = $1
         and exists (select from rowhouse.placements p where p.organization_id = o.id and p.state = 'placing')
         and not exists (select from rowhouse.homes h where h.organization_id = o.id and h.run_until >= now())
       returning o.id
     )
     select array(select id from left_home) as homes, exists (select from gone) as gone`,
    [organizationId],
  )
  const { homes, gone } = rows[0] as { homes: string[]; gone: boolean }
  for (const id of homes) await dropHome(fleet, id).catch(() => undefined)
  return gone
}
