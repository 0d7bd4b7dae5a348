import { z } from 'zod'
import { endpoint } from '../endpoint.ts'
import { connection } from './connections.ts'

export const isolationModel = z.enum(['shared', 'schema', 'database']).meta({ id: 'IsolationModel' })
export type IsolationModel = z.infer<typeof isolationModel>

export const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and inner hyphens, at most 63')

export const organization = z
  .object({
    id: z.uuid(),
    slug: z.string(),
    name: z.string(),
    plan: z.string(),
    isolation: isolationModel,
    /** The model that its plan asks for, where that is another one; a move closes the difference. */
    wantedIsolation: isolationModel.nullable(),
    status: z.enum(['active', 'suspended']),
    members: z.int(),
    /** Null until a CRM is connected. */
    connection: connection.nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Organization' })
export type Organization = z.infer<typeof organization>

export const listOrganizations = endpoint({
  id: 'listOrganizations',
  method: 'GET',
  path: '/v1/organizations',
  summary: 'Organizations: all of them for an operator, their own for a person; by name',
  tag: 'organizations',
  access: 'signed_in',
  audit: null,
  query: z.object({
    /** Matches name and slug. */
    search: z.string().max(200).optional(),
    /** The `next` of the page before. */
    cursor: z.string().max(500).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(100),
  }),
  response: z.object({ items: z.array(organization), next: z.string().nullable() }),
})

export const createOrganization = endpoint({
  id: 'createOrganization',
  method: 'POST',
  path: '/v1/organizations',
  summary: 'Create an organization; a person becomes its owner',
  tag: 'organizations',
  access: 'signed_in',
  audit: 'organization.create',
  body: z.object({
    name: z.string().trim().min(1).max(200),
    slug,
    plan: z.string().max(100).optional(),
    /** Operators name the owner; a person is the owner. */
    ownerId: z.uuid().optional(),
  }),
  response: organization,
  errors: ['slug_taken', 'plan_unknown', 'cluster_missing', 'cluster_full', 'home_unsafe', 'database_unreachable'],
})

export const getOrganization = endpoint({
  id: 'getOrganization',
  method: 'GET',
  path: '/v1/organizations/:organizationId',
  summary: 'One organization',
  tag: 'organizations',
  access: { permission: 'organization.read' },
  audit: null,
  response: organization,
  errors: ['organization_not_found'],
})

export const suspendOrganization = endpoint({
  id: 'suspendOrganization',
  method: 'POST',
  path: '/v1/organizations/:organizationId/suspend',
  summary: 'Refuse every request of the organization until it is resumed',
  tag: 'organizations',
  access: 'operator',
  audit: 'organization.suspend',
  response: organization,
  errors: ['organization_not_found'],
})

export const resumeOrganization = endpoint({
  id: 'resumeOrganization',
  method: 'POST',
  path: '/v1/organizations/:organizationId/resume',
  summary: 'End the suspension',
  tag: 'organizations',
  access: 'operator',
  audit: 'organization.resume',
  response: organization,
  errors: ['organization_not_found'],
})

export const member = z
  .object({
    userId: z.uuid(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    role: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Member' })
export type Member = z.infer<typeof member>

export const listMembers = endpoint({
  id: 'listMembers',
  method: 'GET',
  path: '/v1/organizations/:organizationId/members',
  summary: 'Members and their roles',
  tag: 'organizations',
  access: { permission: 'members.read' },
  audit: null,
  response: z.object({ items: z.array(member) }),
  errors: ['organization_not_found'],
})

export const setMemberRole = endpoint({
  id: 'setMemberRole',
  method: 'PATCH',
  path: '/v1/organizations/:organizationId/members/:userId',
  summary: 'Give a member another role: at most the caller’s own, and never the last owner a lesser one',
  tag: 'organizations',
  access: { permission: 'members.manage' },
  audit: 'member.role',
  body: z.object({ role: z.string().min(1).max(63) }),
  response: member,
  errors: ['organization_not_found', 'member_unknown', 'role_unknown', 'role_above_own', 'last_owner'],
})

export const removeMember = endpoint({
  id: 'removeMember',
  method: 'DELETE',
  path: '/v1/organizations/:organizationId/members/:userId',
  summary: 'Remove a member, for whoever has members.manage and at least that role; or leave, for oneself',
  tag: 'organizations',
  access: { permission: 'organization.read' },
  audit: 'member.remove',
  response: z.object({ removed: z.literal(true) }),
  errors: ['organization_not_found', 'member_unknown', 'permission_denied', 'role_above_own', 'last_owner'],
})
