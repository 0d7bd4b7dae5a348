// Where the link of an invitation leads: a person accepts it, and is in the organization.
import { useMutation, useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import type { JSX } from 'react'
import { client, meQuery, queries } from '../app/api.ts'
import { Button, Empty, Failure } from '../parts/parts.tsx'
import { signOut } from '../session/sign-out.ts'
import { tokenOf } from './queries.ts'

export function JoinPage(): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const token = tokenOf(useLocation({ select: ({ hash }) => hash }))
  const navigate = useNavigate()
  const accept = useMutation({
    mutationFn: () => client.acceptInvitation({ body: { token } }),
    onSuccess: async ({ organizationId }) => {
      // The memberships that the pages go by are others now.
      await queries.invalidateQueries({ queryKey: meQuery.queryKey })
      await navigate({ to: '/organizations/$organizationId', params: { organizationId }, search: {}, replace: true })
    },
  })
  if (token === '')
    return page(
      <Empty isPage title="The link of the invitation is not whole.">
        Open it as it was sent to you: what comes after the # belongs to it. If it was cut off, ask for another one.
      </Empty>,
    )
  if (me !== undefined && me.actor.kind !== 'user')
    return page(
      <Empty
        isPage
        title="Only the person who was invited can accept."
        action={<Button onClick={() => void signOut()}>Sign out</Button>}
      >
        You are signed in with the operator key, which is nobody’s. Sign out, and open the link again as that person.
      </Empty>,
    )
  const email = me?.actor.kind === 'user' ? me.actor.email : null
  return page(
    <>
      <Empty
        isPage
        title="You are invited to an organization."
        action={
          <Button look="primary" disabled={accept.isPending || accept.isSuccess} onClick={() => accept.mutate()}>
            {accept.isPending || accept.isSuccess ? 'Accepting…' : 'Accept the invitation'}
          </Button>
        }
      >
        {email === null
          ? 'You become a member at once.'
          : `You are signed in as ${email}, and become a member at once. The invitation has to be for this address.`}
      </Empty>
      {accept.isError && <Failure error={accept.error} />}
    </>,
  )
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Invitation · Rowhouse</title>
    {content}
  </main>
)
