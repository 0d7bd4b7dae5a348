import { z } from 'zod'
import { connectionPermissions, endpoint } from '../endpoint.ts'

export const role = z
  .object({
    name: z.string(),
    /** Words such as data.read; `*` is every permission. */
    permissions: z.array(z.string()),
    /** Built-in roles are the same in every organization and cannot be changed. */
    builtIn: z.boolean(),
    /** How many members have it. */
    members: z.int(),
  })
  .meta({ id: 'Role' })
export type Role = z.infer<typeof role>

export const listRoles = endpoint({
  id: 'listRoles',
  method: 'GET',
  path: '/v1/organizations/:organizationId/roles',
  summary: 'The roles that members may have, and what each may do',
  tag: 'roles',
  access: { permission: 'members.read' },
  audit: null,
  response: z.object({ items: z.array(role) }),
  errors: ['organization_not_found'],
})

export const setRole = endpoint({
  id: 'setRole',
  method: 'PUT',
  path: '/v1/organizations/:organizationId/roles/:role',
  summary: 'Make a role, or give it other permissions; at most those of the caller',
  tag: 'roles',
  access: { permission: 'roles.manage' },
  audit: 'role.set',
  body: z.object({ permissions: z.array(z.string().min(1).max(100)).max(200) }),
  response: role,
  errors: ['organization_not_found', 'role_invalid', 'role_in_use', 'role_above_own', 'last_owner'],
})

export const removeRole = endpoint({
  id: 'removeRole',
  method: 'DELETE',
  path: '/v1/organizations/:organizationId/roles/:role',
  summary: 'Remove a role that no member has',
  tag: 'roles',
  access: { permission: 'roles.manage' },
  audit: 'role.remove',
  response: z.object({ removed: z.literal(true) }),
  errors: ['organization_not_found', 'role_unknown', 'role_in_use'],
})

export const connectionGrant = z
  .object({
    id: z.uuid(),
    connectionId: z.uuid(),
    permission: z.enum(connectionPermissions),
    /** Everybody with this role; null when it is to one member. */
    role: z.string().nullable(),
    userId: z.uuid().nullable(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    /** Who granted it; null for an operator. */
    grantedBy: z.uuid().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'ConnectionGrant' })
export type ConnectionGrant = z.infer<typeof connectionGrant>

export const listConnectionGrants = endpoint({
  id: 'listConnectionGrants',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections/:connectionId/grants',
  summary: 'Who may see or manage this connection, besides whoever may with all of them',
  tag: 'roles',
  access: { permission: 'members.read' },
  audit: null,
  response: z.object({ items: z.array(connectionGrant) }),
  errors: ['organization_not_found', 'connection_not_found'],
})

export const grantConnection = endpoint({
  id: 'grantConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections/:connectionId/grants',
  summary: 'Let a role or a member see or manage this connection alone',
  tag: 'roles',
  access: { permission: 'roles.manage' },
  audit: 'connection.grant',
  body: z
    .object({
      permission: z.enum(connectionPermissions),
      role: z.string().max(63).optional(),
      userId: z.uuid().optional(),
    })
    .refine(({ role, userId }) => (role === undefined) !== (userId === undefined), {
      path: ['role'],
      message: 'either role or userId',
    }),
  response: connectionGrant,
  errors: ['organization_not_found', 'connection_not_found', 'role_unknown', 'member_unknown', 'role_above_own'],
})

export const revokeConnectionGrant = endpoint({
  id: 'revokeConnectionGrant',
  method: 'DELETE',
  path: '/v1/organizations/:organizationId/connections/:connectionId/grants/:grantId',
  summary: 'Take a grant of this connection back',
  tag: 'roles',
  access: { permission: 'roles.manage' },
  audit: 'connection.revoke_grant',
  response: z.object({ revoked: z.literal(true) }),
  errors: ['organization_not_found', 'connection_not_found', 'grant_not_found'],
})
