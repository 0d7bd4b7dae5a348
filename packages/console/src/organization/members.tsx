// Who belongs to the organization, and as what. Whoever may manage members gives another role or ends a membership, and is told
// before what that does; anybody leaves by themselves.
import type { Me, Member } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, may, meQuery, membersQuery, organizationQuery, queries, rolesQuery } from '../app/api.ts'
import { Invitations } from '../invitations/invitations.tsx'
import { Leavable } from '../parts/opens.tsx'
import { Button, CopyId, Empty, Failure, Loading } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import type { QuestionProps } from '../parts/question.tsx'
import { formatDay } from '../words/time.ts'

export function Members({ organizationId }: { organizationId: string }): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const canManage = may(me, organizationId, 'members.manage')
  const members = useQuery(membersQuery(organizationId))
  const roles = useQuery({ ...rolesQuery(organizationId), enabled: canManage })
  if (members.data === undefined) {
    if (members.error === null) return <Loading lines={4} label="Reading: members" />
    return (
      <div className="py-6">
        <Failure error={members.error} onRetry={() => void members.refetch()} />
      </div>
    )
  }
  const names = roles.data?.map(({ name }) => name) ?? []
  return (
    <>
      {members.data.items.length === 0 ? (
        <Empty title="Nobody is a member yet.">Invite somebody: who accepts is a member at once.</Empty>
      ) : (
        <ul aria-label="Members">
          {members.data.items.map((member) => (
            <OneMember
              key={member.userId}
              organizationId={organizationId}
              member={member}
              me={me}
              roles={canManage ? names : []}
            />
          ))}
        </ul>
      )}
      <Invitations organizationId={organizationId} />
    </>
  )
}

/** What was asked for, and is not done yet. */
type Asked = { readonly act: 'role'; readonly role: string } | { readonly act: 'remove' }

function OneMember({
  organizationId,
  member: { userId, name, email, role, createdAt },
  me,
  roles,
}: {
  organizationId: string
  member: Member
  me: Me | undefined
  /** Empty for whoever may not manage members. */
  roles: readonly string[]
}): JSX.Element {
  const [asked, setAsked] = useState<Asked | null>(null)
  const navigate = useNavigate()
  const isMe = me?.actor.kind === 'user' && me.actor.userId === userId
  const called = isMe ? 'yourself' : (name ?? email ?? 'the member')
  const act = useMutation({
    mutationFn: async (wanted: Asked): Promise<void> => {
      const params = { organizationId, userId }
      if (wanted.act === 'role') await client.setMemberRole({ params, body: { role: wanted.role } })
      else await client.removeMember({ params })
    },
    onSuccess: async (_, wanted) => {
      if (isMe) {
        await queries.invalidateQueries({ queryKey: meQuery.queryKey })
        if (wanted.act === 'remove') return navigate({ to: '/', search: {} })
      }
      await Promise.all([
        queries.invalidateQueries({ queryKey: membersQuery(organizationId).queryKey }),
        queries.invalidateQueries({ queryKey: organizationQuery(organizationId).queryKey, exact: true }),
      ])
      // Last, or the role before would show for a moment.
      setAsked(null)
    },
  })
  const ask = (wanted: Asked | null): void => {
    act.reset()
    setAsked(wanted)
  }
  const canManage = roles.length > 0
  return (
    <li className="border-b border-line py-3">
      <Leavable onLeave={() => ask(null)}>
        <>
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
            <span className="font-medium">{name ?? email ?? 'Unknown'}</span>
            {name !== null && email !== null && <span className="min-w-0 break-words text-ink-2">{email}</span>}
            <CopyId value={userId} label="user id" short />
            <span className="num text-xs text-ink-3">since {formatDay(createdAt)}</span>
            <span className="ml-auto flex items-center gap-2">
              {canManage ? (
                <select
                  aria-label={`Role of ${name ?? email ?? userId}`}
                  className="h-8 max-w-40 rounded-md border border-line-strong bg-raised px-2 text-ink"
                  value={asked?.act === 'role' ? asked.role : role}
                  disabled={act.isPending}
                  onChange={({ target }) => ask(target.value === role ? null : { act: 'role', role: target.value })}
                >
                  {[...new Set([role, ...roles])].toSorted().map((one) => (
                    <option key={one} value={one}>
                      {one}
                    </option>
                  ))}
                </select>
              ) : (
                <span className="text-ink-2">{role}</span>
              )}
              {(canManage || isMe) && (
                <Button look="quiet" disabled={act.isPending} onClick={() => ask({ act: 'remove' })}>
                  {isMe ? 'Leave' : 'Remove'}
                </Button>
              )}
            </span>
          </div>
          {asked !== null && (
            <Question
              key={asked.act}
              takesFocus={asked.act === 'remove'}
              {...questionOf(asked, { role, called, isMe })}
              doing="One moment…"
              no="Leave it as it is"
              act={act}
              onYes={() => act.mutate(asked)}
              onNo={() => ask(null)}
            />
          )}
        </>
      </Leavable>
    </li>
  )
}

function questionOf(
  asked: Asked,
  { role, called, isMe }: { readonly role: string; readonly called: string; readonly isMe: boolean },
): Pick<QuestionProps, 'title' | 'effects' | 'yes'> {
  if (asked.act === 'role')
    return {
      title: `Change ${isMe ? 'your own role' : `the role of ${called}`} from ${role} to ${asked.role}?`,
      effects: [
        'It holds from the next request on, in every tab.',
        'It is in the log of the control plane, with who did it.',
      ],
      yes: 'Change the role',
    }
  return {
    title: isMe ? 'Leave this organization?' : `Remove ${called} from this organization?`,
    effects: [
      `${isMe ? 'You are' : 'They are'} out with the next request.`,
      `What ${isMe ? 'you' : 'they'} wrote stays, with ${isMe ? 'your' : 'their'} name in its history.`,
      'An invitation brings anybody back.',
    ],
    yes: isMe ? 'Leave' : 'Remove',
  }
}
