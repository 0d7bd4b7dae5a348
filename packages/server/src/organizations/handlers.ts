// Organizations: which ones there are, one of them, its members, its status.
import { RowhouseError, allows } from '@rowhouse/contracts'
import type { Connection, Member, Organization } from '@rowhouse/contracts'
import type { Organization as OrganizationHandle } from 'rowhouse'
import { organizationNotFound, permittedConnections } from '../auth/access.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { pageOrganizations, readOrganizations } from '../catalogue/organizations.ts'
import type { OrganizationRow } from '../catalogue/organizations.ts'
import type { Handlers, Services } from '../context.ts'
import { readMemberships } from '../session/memberships.ts'

type Mine =
  | 'listOrganizations'
  | 'createOrganization'
  | 'getOrganization'
  | 'suspendOrganization'
  | 'resumeOrganization'
  | 'listMembers'
  | 'setMemberRole'
  | 'removeMember'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const organizationHandlers: Pick<Handlers, Mine> = {
  async listOrganizations({ services, actor, query }) {
    if (query.cursor !== undefined && !uuid.test(query.cursor)) {
      throw new RowhouseError('validation_failed', 'cursor: not the `next` of a page.')
    }
    const memberships = actor.kind === 'user' ? await readMemberships(services.rowhouse, actor.userId) : null
    const rows = await pageOrganizations(services.catalogue, {
      among: memberships?.map(({ organizationId }) => organizationId) ?? null,
      search: query.search?.trim() || null,
      after: query.cursor ?? null,
      limit: query.limit,
    })
    const page = rows.slice(0, query.limit)
    const words = new Map(memberships?.map(({ organizationId, permissions }) => [organizationId, permissions]))
    const sees: Sees = ({ id, organizationId }) =>
      memberships === null || allows(words.get(organizationId) ?? [], 'connections.read', id)
    return {
      items: await withConnections(services, page, sees),
      next: rows.length > query.limit ? (page.at(-1)?.id ?? null) : null,
    }
  },

  async createOrganization({ services, actor, body }) {
    if (actor.kind === 'user' && body.ownerId !== undefined && body.ownerId !== actor.userId) {
      throw new RowhouseError('permission_denied', 'Only operators create organizations for somebody else.')
    }
    // A plan is what an organization is entitled to: nobody gives it to themselves.
    if (actor.kind === 'user' && body.plan !== undefined) {
      throw new RowhouseError('permission_denied', 'Only operators choose a plan.', { details: { needs: 'operator' } })
    }
    const id = await services.fleet.createOrganization({
      name: body.name,
      slug: body.slug,
      ownerId: actor.kind === 'user' ? actor.userId : (body.ownerId ?? null),
      plan: body.plan ?? null,
    })
    return readOne(services, id, everything)
  },

  async getOrganization({ services, params, organization }) {
    const permitted = await permittedConnections(organization().inCatalogue(), 'connections.read')
    return readOne(services, params.organizationId, ({ id }) => permitted.has(id))
  },

  async suspendOrganization({ services, params }) {
    await setStatus(services.catalogue, params.organizationId, 'suspended')
    return readOne(services, params.organizationId, everything)
  },

  async resumeOrganization({ services, params }) {
    await setStatus(services.catalogue, params.organizationId, 'active')
    return readOne(services, params.organizationId, everything)
  },

  listMembers: async ({ organization }) => ({ items: await readMembers(organization().inCatalogue(), null) }),

  async setMemberRole({ organization, params, body }) {
    const catalogue = organization().inCatalogue()
    await catalogue.query('select rowhouse.set_member_role($1, $2)', [requireMember(params.userId), body.role])
    const [changed] = await readMembers(catalogue, params.userId)
    if (changed === undefined) throw new RowhouseError('member_unknown')
    return changed
  },

  async removeMember({ organization, params }) {
    await organization()
      .inCatalogue()
      .query('select rowhouse.remove_member($1)', [requireMember(params.userId)])
    return { removed: true }
  },
}

/** @throws RowhouseError member_unknown */
function requireMember(userId: string): string {
  if (uuid.test(userId)) return userId
  throw new RowhouseError('member_unknown')
}

async function readMembers(catalogue: OrganizationHandle, userId: string | null): Promise<Member[]> {
  const { rows } = await catalogue.query<Omit<Member, 'createdAt'> & { createdAt: Date }>(
    `select m.user_id as "userId", u.email, u.name, m.role, m.created_at as "createdAt"
    from rowhouse.members m
    left join rowhouse.users u on u.id = m.user_id
    where $1::uuid is null or m.user_id = $1
    order by m.created_at, m.user_id
    limit 1000`,
    [userId],
  )
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

async function setStatus(catalogue: Catalogue, organizationId: string, status: Organization['status']): Promise<void> {
  await catalogue.query('select rowhouse.set_organization_status($1, $2)', [organizationId, status])
}

/** Whether the caller may see a connection. */
export type Sees = (connection: Connection) => boolean
const everything: Sees = () => true

export async function readOne(
  services: Pick<Services, 'catalogue' | 'sync'>,
  organizationId: string,
  sees: Sees,
): Promise<Organization> {
  const rows = await readOrganizations(services.catalogue, [organizationId])
  const [organization] = await withConnections(services, rows, sees)
  if (organization === undefined) throw organizationNotFound(organizationId)
  return organization
}

/** An organization with all its connections, for somebody else to choose from. */
export async function readWhole(
  services: Pick<Services, 'catalogue' | 'sync'>,
  organizationId: string,
): Promise<{ readonly organization: Organization; readonly connections: readonly Connection[] }> {
  const organization = await readOne(services, organizationId, () => false)
  return { organization, connections: await services.sync.connections.list([organizationId]) }
}

async function withConnections(
  services: Pick<Services, 'sync'>,
  rows: readonly OrganizationRow[],
  sees: Sees,
): Promise<Organization[]> {
  const ids = rows.map(({ id }) => id)
  const connections = ids.length === 0 ? [] : await services.sync.connections.list(ids)
  return rows.map((row) => ({
    ...row,
    connection: firstOf(
      connections.filter((connection) => connection.organizationId === row.id),
      sees,
    ),
  }))
}

/** With several, the one that came first stands for the organization. */
export function firstOf(connections: readonly Connection[], sees: Sees): Connection | null {
  return connections.filter(sees).toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))[0] ?? null
}
