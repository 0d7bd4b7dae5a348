import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const invitation = z
  .object({
    id: z.uuid(),
    email: z.string(),
    role: z.string(),
    /** Who invited; null for an operator. */
    invitedBy: z.uuid().nullable(),
    sentAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'Invitation' })

export const listInvitations = endpoint({
  id: 'listInvitations',
  method: 'GET',
  path: '/v1/organizations/:organizationId/invitations',
  summary: 'Invitations that are open, also the expired ones that nobody has revoked',
  tag: 'organizations',
  access: { permission: 'members.read' },
  audit: null,
  response: z.object({ items: z.array(invitation) }),
  errors: ['organization_not_found'],
})

export const createInvitation = endpoint({
  id: 'createInvitation',
  method: 'POST',
  path: '/v1/organizations/:organizationId/invitations',
  summary: 'Invite an address, or send its open invitation anew: the older token ends',
  tag: 'organizations',
  access: { permission: 'members.manage' },
  audit: 'invitation.create',
  body: z.object({
    email: z.string().trim().min(3).max(320),
    role: z.string().max(63).default('member'),
  }),
  /** The token is in this answer and nowhere else: put it into a link, and send that. */
  response: z.object({ id: z.uuid(), token: z.string(), expiresAt: z.iso.datetime() }),
  errors: [
    'organization_not_found',
    'invitation_invalid',
    'invitation_limit',
    'already_a_member',
    'role_above_own',
    'role_unknown',
  ],
})

export const revokeInvitation = endpoint({
  id: 'revokeInvitation',
  method: 'DELETE',
  path: '/v1/organizations/:organizationId/invitations/:invitationId',
  summary: 'End an open invitation',
  tag: 'organizations',
  access: { permission: 'members.manage' },
  audit: 'invitation.revoke',
  response: z.object({ ok: z.literal(true) }),
  errors: ['organization_not_found', 'invitation_invalid'],
})

export const acceptInvitation = endpoint({
  id: 'acceptInvitation',
  method: 'POST',
  path: '/v1/invitations/accept',
  summary: 'Become a member, as the person whose verified address was invited',
  tag: 'organizations',
  access: 'signed_in',
  audit: 'invitation.accept',
  body: z.object({ token: z.string().min(1).max(200) }),
  response: z.object({ organizationId: z.uuid() }),
  errors: [
    'invitation_invalid',
    'invitation_accepted',
    'invitation_email_differs',
    'already_a_member',
    'organization_suspended',
  ],
})
