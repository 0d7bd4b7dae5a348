// What a caller may do, asked of the database at every request. An organization one is no member of
// answers exactly as one that does not exist, so that ids cannot be probed.
import { RowhouseError } from '@rowhouse/contracts'
import type { ConnectionPermission, Endpoint, Permission } from '@rowhouse/contracts'
import type { Organization as OrganizationHandle, Rowhouse } from 'rowhouse'
import type { Actor } from '../context.ts'
import type { Acting } from '../sync.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export interface Trace {
  readonly requestId: string
  readonly ip: string | null
}

/** The organization as this caller enters it. */
export function enterAs(rowhouse: Rowhouse, actor: Actor, organizationId: string, trace: Trace): OrganizationHandle {
  if (!uuid.test(organizationId)) throw organizationNotFound(organizationId)
  const traced = { organizationId, requestId: trace.requestId, ...(trace.ip === null ? {} : { ip: trace.ip }) }
  return rowhouse.as({ ...traced, ...actingAs(actor) })
}

/** The caller as a tenant's database knows them. @throws RowhouseError unauthenticated */
export function actingAs(actor: Actor): Acting {
  if (actor.kind === 'operator') return { operator: 'operator', reason: 'control plane' }
  if (actor.kind === 'user') return { userId: actor.userId }
  throw new RowhouseError('unauthenticated')
}

export function organizationNotFound(organizationId: string): RowhouseError {
  return new RowhouseError('organization_not_found', `There is no organization ${organizationId.slice(0, 64)}.`, {
    details: { organizationId: organizationId.slice(0, 64) },
  })
}

/** Turns "you are not a member" into "there is no such organization"; leaves every other error alone. */
export function withoutOracle(error: unknown, organizationId: string): unknown {
  if (error instanceof RowhouseError && (error.code === 'not_a_member' || error.code === 'organization_not_found')) {
    return organizationNotFound(organizationId)
  }
  return error
}

/**
 * Lets the caller pass or says why not.
 *
 * @throws RowhouseError unauthenticated, organization_not_found, organization_suspended, permission_denied
 */
export async function requireAccess(
  rowhouse: Rowhouse,
  endpoint: Pick<Endpoint, 'access'>,
  actor: Actor,
  organizationId: string | null,
  trace: Trace,
  connectionId: string | null = null,
): Promise<void> {
  const { access } = endpoint
  if (access === 'public') return
  if (actor.kind === 'anonymous') throw new RowhouseError('unauthenticated')
  if (organizationId !== null) {
    // In the catalogue: what is true now, also where the home of the organization does not answer.
    const organization = enterAs(rowhouse, actor, organizationId, trace).inCatalogue()
    try {
      if (typeof access === 'object' && access.per === 'connection')
        await requireConnection(organization, access.permission, connectionId)
      else await requirePermission(organization, typeof access === 'object' ? access.permission : 'organization.read')
    } catch (error) {
      throw withoutOracle(error, organizationId)
    }
  }
  if (access === 'operator' && actor.kind !== 'operator') {
    throw new RowhouseError('permission_denied', 'Only operators may do this.', { details: { needs: 'operator' } })
  }
}

/** @param organization in the catalogue @throws RowhouseError permission_denied */
export async function requirePermission(organization: OrganizationHandle, permission: Permission): Promise<void> {
  const { rows } = await organization.query<{ can: boolean }>('select rowhouse.can($1) as can', [permission])
  if (rows[0]?.can !== true) throw denied(permission)
}

/**
 * Lets pass who has a permission for one connection, or for all of them; without one, who has it for any.
 *
 * @param organization in the catalogue
 * @throws RowhouseError permission_denied: of a connection that is not there as of one that one may not see
 */
export async function requireConnection(
  organization: OrganizationHandle,
  permission: ConnectionPermission,
  connectionId: string | null,
): Promise<void> {
  const { rows } = await organization.query<{ can: boolean }>(
    connectionId === null
      ? 'select rowhouse.can($1) or exists (select from rowhouse.permitted_connections($1)) as can'
      : 'select rowhouse.can($1) or rowhouse.can($2) as can',
    connectionId === null ? [permission] : [permission, `${permission}:${connectionId}`],
  )
  if (rows[0]?.can !== true) throw denied(connectionId === null ? permission : `${permission}:${connectionId}`)
}

/** The connections that the caller has a permission for. @param organization in the catalogue */
export async function permittedConnections(
  organization: OrganizationHandle,
  permission: ConnectionPermission,
): Promise<ReadonlySet<string>> {
  const { rows } = await organization.query<{ id: string }>('select id from rowhouse.permitted_connections($1) as id', [
    permission,
  ])
  return new Set(rows.map(({ id }) => id))
}

const denied = (permission: string): RowhouseError =>
  new RowhouseError('permission_denied', `This needs the permission ${permission.slice(0, 100)}.`, {
    details: { needs: permission.slice(0, 100) },
  })
