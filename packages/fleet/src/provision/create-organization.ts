// A new organization with the home that its plan asks for. Where one is ready the catalogue does it in one call; else the
// home is made now, and until then the organization is there but nobody enters it. When no cluster can make one, nothing of
// it is left.
import type { FleetContext } from './context.ts'
import { assignHome, settleIn } from './assign-home.ts'
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

interface Place {
  readonly state: string
  readonly plan: string
  readonly homeId: string | null
  readonly login: string | null
  readonly databaseName: string | null
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
    fleet.catalogue.query<{ id: string }>('select rowhouse.create_organization($1, $2, $3, $4) as id', [
      name,
      slug,
      ownerId,
      plan,
    ]),
  )
  const { id } = rows[0] as { id: string }
  const place = await readPlace(fleet, id)
  if (place.state !== 'placing') {
    if (place.login !== null && place.homeId !== null) await settleIn(fleet, place.homeId, id)
    else if (place.databaseName !== null) await fleet.carryCopy(id)
    return id
  }
  try {
    await placeOrganization(fleet, id)
  } catch (error) {
    await removeOrganization(fleet, id)
    throw coded(error)
  }
  return id
}

/**
 * Makes the home that an organization waits for, on the first cluster that can. Goes on with what an earlier run began.
 *
 * @throws as createOrganization()
 */
export async function placeOrganization(fleet: FleetContext, organizationId: string): Promise<void> {
  const { plan } = await readPlace(fleet, organizationId)
  const begun = await homeOf(fleet, organizationId)
  if (begun !== null) {
    const home = await resumeHome(fleet, begun.id)
    if (home !== null) await assignHome(fleet, home.id, organizationId)
    return
  }
  const isolation = await modelOf(fleet, plan)
  const { rows } = await codedErrors(
    fleet.catalogue.query<{ cluster: string }>('select c as cluster from rowhouse.clusters_for($1) c', [plan]),
  )
  for (const [position, { cluster }] of rows.entries()) {
    try {
      const home = await createHome(fleet, { cluster, isolation, organizationId })
      await assignHome(fleet, home.id, organizationId)
      return
    } catch (error) {
      if (position === rows.length - 1) throw error
      await abandonHome(fleet, organizationId)
    }
  }
}

async function readPlace(fleet: FleetContext, organizationId: string): Promise<Place> {
  const { rows } = await fleet.catalogue.query<Place>(
    `select p.state, o.plan, p.home_id as "homeId", p.login, p.database_name as "databaseName"
     from rowhouse.placements p join rowhouse.organizations o on o.id = p.organization_id
     where p.organization_id = $1`,
    [organizationId],
  )
  return rows[0] as Place
}

async function modelOf(fleet: FleetContext, plan: string): Promise<Home['isolation']> {
  const { rows } = await fleet.catalogue.query<{ isolation: Home['isolation'] }>(
    'select isolation from rowhouse.plans where id = $1',
    [plan],
  )
  return (rows[0] as { isolation: Home['isolation'] }).isolation
}

async function homeOf(fleet: FleetContext, organizationId: string): Promise<Home | null> {
  const { rows } = await fleet.catalogue.query<Home>(
    `select ${homeColumns} from rowhouse.homes where organization_id = $1`,
    [organizationId],
  )
  return rows[0] ?? null
}

/** The home that could not be made goes, now or when its server answers again. */
async function abandonHome(fleet: FleetContext, organizationId: string): Promise<void> {
  const home = await homeOf(fleet, organizationId)
  if (home === null) return
  await dropHome(fleet, home.id).catch(() => undefined)
}

async function removeOrganization(fleet: FleetContext, organizationId: string): Promise<void> {
  await abandonHome(fleet, organizationId)
  await fleet.catalogue.query(
    `delete from rowhouse.organizations o
     where o.id = $1 and exists (
       select from rowhouse.placements p where p.organization_id = o.id and p.state = 'placing')`,
    [organizationId],
  )
}
