// Who was invited and has not come yet. Whoever may manage members invites an address and gets the link, this once: nothing here
// sends mail.
import type { ListedInvitation } from './one-invitation.tsx'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, may, meQuery, queries, rolesQuery } from '../app/api.ts'
import { Field, fieldLook } from '../parts/field.tsx'
import { Opens } from '../parts/opens.tsx'
import { Button, CopyText, Failure, Loading, Refused } from '../parts/parts.tsx'
import { formatExact } from '../words/time.ts'
import { OneInvitation } from './one-invitation.tsx'
import { invitationsQuery, linkOf } from './queries.ts'

const DEFAULT_ROLE = 'member'

export function Invitations({ organizationId }: { organizationId: string }): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const canManage = may(me, organizationId, 'members.manage')
  const invitations = useQuery(invitationsQuery(organizationId))
  return (
    <section aria-labelledby="invitations" className="mt-8">
      <h2 id="invitations" className="border-b border-line pb-1.5 font-semibold">
        Invitations
      </h2>
      <Open answer={invitations} organizationId={organizationId} canManage={canManage} />
      {canManage && (
        <Opens className="mt-3" render={(close) => <InviteForm organizationId={organizationId} onDone={close} />}>
          Invite a member
        </Opens>
      )}
    </section>
  )
}

function Open({
  answer: { data, error, refetch },
  organizationId,
  canManage,
}: {
  answer: { data: readonly ListedInvitation[] | undefined; error: unknown; refetch: () => unknown }
  organizationId: string
  canManage: boolean
}): JSX.Element {
  if (data === undefined)
    return error === null ? (
      <Loading lines={2} label="Reading the invitations" />
    ) : (
      <div className="mt-3">
        <Failure error={error} onRetry={() => void refetch()} />
      </div>
    )
  if (data.length === 0)
    return <p className="mt-2 text-xs text-ink-3">No invitation is open. Who accepts one becomes a member at once.</p>
  return (
    <ul aria-label="Open invitations">
      {data.map((invitation) => (
        <OneInvitation
          key={invitation.id}
          invitation={invitation}
          organizationId={organizationId}
          canManage={canManage}
        />
      ))}
    </ul>
  )
}

function InviteForm({ organizationId, onDone }: { organizationId: string; onDone: () => void }): JSX.Element {
  const roles = useQuery(rolesQuery(organizationId))
  const [email, setEmail] = useState('')
  const [role, setRole] = useState(DEFAULT_ROLE)
  const invite = useMutation({
    mutationFn: (wanted: { email: string; role: string }) =>
      client.createInvitation({ params: { organizationId }, body: wanted }),
    onSuccess: () => queries.invalidateQueries({ queryKey: invitationsQuery(organizationId).queryKey }),
  })
  if (invite.isSuccess)
    return (
      <Made
        email={invite.variables.email}
        token={invite.data.token}
        expiresAt={invite.data.expiresAt}
        onDone={onDone}
        onAnother={() => {
          setEmail('')
          invite.reset()
        }}
      />
    )
  return (
    <form
      aria-label="Invite a member"
      className="mt-3 max-w-md space-y-2 border-l-2 border-brick pl-3"
      onSubmit={(event) => {
        event.preventDefault()
        invite.mutate({ email: email.trim(), role })
      }}
    >
      <Field
        name="E-mail address"
        render={(tie) => (
          <input
            {...tie}
            type="email"
            required
            maxLength={320}
            autoComplete="off"
            // oxlint-disable-next-line jsx-a11y/no-autofocus -- the form was opened to type
            autoFocus
            className={fieldLook}
            value={email}
            onChange={({ target }) => setEmail(target.value)}
          />
        )}
      />
      <Field
        name="Role"
        render={(tie) => (
          <select {...tie} className={fieldLook} value={role} onChange={({ target }) => setRole(target.value)}>
            {[...new Set([DEFAULT_ROLE, ...(roles.data ?? []).map(({ name }) => name)])].toSorted().map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      />
      <p className="text-xs text-ink-3">
        You get a link to send. It is for this address alone; inviting it again ends the link before.
      </p>
      <div className="flex flex-wrap gap-2 pt-1">
        <Button type="submit" look="primary" disabled={email.trim() === '' || invite.isPending}>
          {invite.isPending ? 'Inviting…' : 'Make the invitation'}
        </Button>
        <Button onClick={onDone}>Not now</Button>
      </div>
      <Refused act={invite} />
    </form>
  )
}

function Made({
  email,
  token,
  expiresAt,
  onDone,
  onAnother,
}: {
  email: string
  token: string
  expiresAt: string
  onDone: () => void
  onAnother: () => void
}): JSX.Element {
  return (
    <div role="status" className="mt-3 max-w-xl border-l-2 border-ok pl-3">
      <p className="font-medium break-words">Send this link to {email}:</p>
      <div className="mt-2">
        <CopyText value={linkOf(token)} label="the link" />
      </div>
      <p className="mt-1 text-xs text-ink-3">
        It is shown this once. It works for that address, once, until {formatExact(expiresAt)}.
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button onClick={onAnother}>Invite another</Button>
        <Button look="quiet" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  )
}
