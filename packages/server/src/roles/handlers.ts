// Roles, and who may do what with one connection. Each change is a function of the database, entered as the caller: it
// decides who may, and that nobody gives what they have not.
import { RowhouseError } from '@rowhouse/contracts'
import type { ConnectionGrant, Role } from '@rowhouse/contracts'
import type { Organization as OrganizationHandle } from 'rowhouse'
import type { Handlers } from '../context.ts'

type Mine =
  | 'listRoles'
  | 'setRole'
  | 'removeRole'
  | 'listConnectionGrants'
  | 'grantConnection'
  | 'revokeConnectionGrant'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const roleHandlers: Pick<Handlers, Mine> = {
  listRoles: async ({ organization }) => ({ items: await readRoles(organization().inCatalogue(), null) }),

  async setRole({ organization, params, body }) {
    await organization().inCatalogue().query('select rowhouse.set_role($1, $2)', [params.role, body.permissions])
    const [made] = await readRoles(organization().inCatalogue(), params.role)
    if (made === undefined) throw new RowhouseError('role_unknown')
    return made
  },

  async removeRole({ organization, params }) {
    await organization().inCatalogue().query('select rowhouse.remove_role($1)', [params.role])
    return { removed: true }
  },

  async listConnectionGrants({ services: { sync }, organization, params }) {
    await sync.connections.get(params.organizationId, requireUuid(params.connectionId, 'connection_not_found'))
    return { items: await readGrants(organization().inCatalogue(), params.connectionId, null) }
  },

  async grantConnection({ organization, params, body }) {
    const connectionId = requireUuid(params.connectionId, 'connection_not_found')
    const { rows } = await organization()
      .inCatalogue()
      .query<{ id: string }>('select rowhouse.grant_connection($1, $2, $3, $4) as id', [
        connectionId,
        body.permission,
        body.role ?? null,
        body.userId ?? null,
      ])
    const [made] = await readGrants(organization().inCatalogue(), connectionId, rows[0]?.id ?? '')
    if (made === undefined) throw new RowhouseError('grant_not_found')
    return made
  },

  async revokeConnectionGrant({ organization, params }) {
    await organization()
      .inCatalogue()
      .query('select rowhouse.revoke_connection($1, $2)', [
        requireUuid(params.connectionId, 'connection_not_found'),
        requireUuid(params.grantId, 'grant_not_found'),
      ])
    return { revoked: true }
  },
}

function requireUuid(value: string, code: 'connection_not_found' | 'grant_not_found'): string {
  if (uuid.test(value)) return value
  throw new RowhouseError(code)
}

/** Built-in ones first. */
async function readRoles(organization: OrganizationHandle, name: string | null): Promise<Role[]> {
  const { rows } = await organization.query<Role>(
    `select r.name, r.permissions, r.organization_id is null as "builtIn",
      (select count(*)::int from rowhouse.members m where m.role = r.name) as members
    from rowhouse.roles r
    where $1::text is null or r.name = $1
    order by r.organization_id is not null, r.name
    limit 1000`,
    [name],
  )
  return rows
}

async function readGrants(
  organization: OrganizationHandle,
  connectionId: string,
  id: string | null,
): Promise<ConnectionGrant[]> {
  const { rows } = await organization.query<Omit<ConnectionGrant, 'createdAt'> & { at: Date }>(
    `select g.id, g.connection_id as "connectionId", g.permission, g.role, g.user_id as "userId", u.email, u.name,
      g.granted_by as "grantedBy", g.created_at as at
    from rowhouse.connection_grants g left join rowhouse.users u on u.id = g.user_id
    where g.connection_id = $1 and ($2::uuid is null or g.id = $2)
    order by g.created_at, g.id
    limit 1000`,
    [connectionId, id],
  )
  return rows.map(({ at, ...row }) => ({ ...row, createdAt: at.toISOString() }))
}
