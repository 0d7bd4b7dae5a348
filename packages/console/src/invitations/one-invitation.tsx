// One open invitation: to whom, as what, until when; and taking it back, which can be made good by inviting again.
import type { JSX } from 'react'
import { client, queries } from '../app/api.ts'
import { useNow } from '../live/now.ts'
import { Ago, Status } from '../parts/parts.tsx'
import { TakeBack } from '../parts/take-back.tsx'
import { formatExact } from '../words/time.ts'
import { invitationsQuery } from './queries.ts'

export interface ListedInvitation {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly sentAt: string
  readonly expiresAt: string
}

export function OneInvitation({
  invitation: { id, email, role, sentAt, expiresAt },
  organizationId,
  canManage,
}: {
  invitation: ListedInvitation
  organizationId: string
  canManage: boolean
}): JSX.Element {
  const nowMs = useNow()
  const isOver = Date.parse(expiresAt) <= nowMs
  return (
    <li className="border-b border-line py-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="min-w-0 font-medium break-words">{email}</span>
        <span className="text-ink-2">{role}</span>
        <span className="num text-xs text-ink-3">
          sent <Ago at={sentAt} />
        </span>
        {isOver ? (
          <Status tone="off">Expired</Status>
        ) : (
          <span className="num text-xs text-ink-3">valid until {formatExact(expiresAt)}</span>
        )}
        {canManage && (
          <TakeBack
            label={`Take back the invitation of ${email}`}
            act={() => client.revokeInvitation({ params: { organizationId, invitationId: id } })}
            onDone={() => queries.invalidateQueries({ queryKey: invitationsQuery(organizationId).queryKey })}
          />
        )}
      </div>
    </li>
  )
}
