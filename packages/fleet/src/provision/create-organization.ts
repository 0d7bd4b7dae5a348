// A new organization with the home that its plan asks for. Where one is ready the catalogue does it in one call; else the
// home is made now, and until then the organization is there but nobody enters it. When no cluster can make one, nothing of
// it is left.
import { RowhouseError } from '@rowhouse/contracts'

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
    if (await removeOrganization(fleet, id)) throw coded(error)
    // A worker that found it waiting is faster, or has been.
    if ((await readPlace(fleet, id)).state === 'placing') {
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
