// Invitations: the database decides who may invite whom to what, and who may accept. No mail is sent from here; the token
// goes back to the inviter, this once.
import { RowhouseError } from '@rowhouse/contracts'
import type { Handlers } from '../context.ts'

type Mine = 'listInvitations' | 'createInvitation' | 'revokeInvitation' | 'acceptInvitation'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const invitationHandlers: Pick<Handlers, Mine> = {
  async listInvitations({ organization }) {
    const { rows } = await organization()
      .inCatalogue()
      .query<{
        id: string
        email: string
        role: string
        invitedBy: string | null
        sentAt: Date
        expiresAt: Date
      }>(
        `select id, email, role, invited_by as "invitedBy", sent_at as "sentAt", expires_at as "expiresAt"
      from rowhouse.invitations
      where accepted_at is null and revoked_at is null
      order by sent_at desc, id
      limit 1000`,
      )
    return {
      items: rows.map((row) => ({
        ...row,
        sentAt: row.sentAt.toISOString(),
        expiresAt: row.expiresAt.toISOString(),
      })),
    }
  },

  async createInvitation({ organization, body }) {
    const { rows } = await organization()
      .inCatalogue()
      .query<{ id: string; token: string; expires_at: Date }>(
        'select id, token, expires_at from rowhouse.create_invitation($1, $2)',
        [body.email, body.role],
      )
    const made = rows[0]
    if (made === undefined) throw new RowhouseError('internal', 'The invitation has no row.')
    return { id: made.id, token: made.token, expiresAt: made.expires_at.toISOString() }
  },

  async revokeInvitation({ organization, params }) {
    if (!uuid.test(params.invitationId)) throw new RowhouseError('invitation_invalid')
    await organization().inCatalogue().query('select rowhouse.revoke_invitation($1)', [params.invitationId])
    return { ok: true }
  },

  async acceptInvitation({ services, actor, body, requestId, ip }) {
    if (actor.kind !== 'user') {
      throw new RowhouseError('permission_denied', 'Only the person who was invited accepts.')
    }
    const person = services.rowhouse.as({
      organizationId: null,
      userId: actor.userId,
      requestId,
      ...(ip === null ? {} : { ip }),
    })
    const { rows } = await person.query<{ id: string }>('select rowhouse.accept_invitation($1) as id', [body.token])
    return { organizationId: rows[0]?.id ?? '' }
  },
}
