// Closing an organization, and opening it again. For operators; closing asks for its slug, because everybody in it is locked out.
import type { Organization } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, organizationQuery, queries } from '../app/api.ts'
import { Section } from '../load/section.tsx'
import { patchList } from '../organizations/list.ts'
import { Field, fieldLook } from '../parts/field.tsx'
import { Opens } from '../parts/opens.tsx'
import { Button, Refused, Status } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import { connectorWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'

export function SuspensionView({ organization }: { organization: Organization }): JSX.Element {
  return (
    <Section title="Suspension">
      {organization.status === 'suspended' ? (
        <Suspended organization={organization} />
      ) : (
        <Open organization={organization} />
      )}
    </Section>
  )
}

/** Suspends or resumes, and shows what came of it at once. */
function useStatus(
  organizationId: string,
  change: (input: { params: { organizationId: string } }) => Promise<Organization>,
) {
  return useMutation({
    mutationFn: () => change({ params: { organizationId } }),
    onSuccess: (changed) => {
      queries.setQueryData(organizationQuery(organizationId).queryKey, changed)
      patchList(new Map([[organizationId, changed]]), new Map())
    },
  })
}

function Open({ organization }: { organization: Organization }): JSX.Element {
  return (
    <>
      <p className="max-w-[72ch] text-ink-2">
        It is open. Suspending it refuses every request of its members and services, and rests its syncing, until an
        operator resumes it. Nothing is deleted.
      </p>
      <Opens className="mt-3" render={(close) => <Asked organization={organization} onKeep={close} />}>
        Suspend this organization
      </Opens>
    </>
  )
}

function Asked({ organization, onKeep }: { organization: Organization; onKeep: () => void }): JSX.Element {
  const { id, name, slug, members, connection } = organization
  const [typed, setTyped] = useState('')
  const act = useStatus(id, client.suspendOrganization)
  const isReady = typed.trim() === slug
  return (
    <Question
      isForGood
      isReady={isReady}
      title={`Suspend ${name}?`}
      effects={[
        `${plural(members, 'member')} and every service ${members === 1 ? 'is' : 'are'} refused from the next request on, here and in your application: organization_suspended.`,
        connection === null
          ? 'It has no connection that would rest.'
          : `Syncing with ${connectorWords(connection.connector).name} rests. Changes there wait, and are read when it is resumed.`,
        'Transactions that run now end first; one that runs for more than 10 seconds has this refused.',
        'Operators still get in. Other organizations notice nothing.',
      ]}
      yes="Suspend it"
      doing="Suspending…"
      no="Leave it open"
      act={act}
      onYes={() => act.mutate()}
      onNo={onKeep}
    >
      <form
        className="mt-3 max-w-xs"
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady && !act.isPending) act.mutate()
        }}
      >
        <Field
          name={`Type ${slug} to confirm`}
          render={(tie) => (
            <input
              {...tie}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              className={`${fieldLook} code`}
              value={typed}
              onChange={({ target }) => setTyped(target.value)}
            />
          )}
        />
      </form>
    </Question>
  )
}

function Suspended({ organization: { id, connection } }: { organization: Organization }): JSX.Element {
  const act = useStatus(id, client.resumeOrganization)
  return (
    <>
      <p>
        <Status tone="bad">Suspended: every request is refused</Status>
      </p>
      <p className="mt-1 max-w-[72ch] text-ink-2">
        Resuming it lets its members and services in with their next request
        {connection === null
          ? '.'
          : `, and ${connectorWords(connection.connector).name} is read from where it stopped.`}
      </p>
      <Button look="primary" className="mt-3" disabled={act.isPending} onClick={() => act.mutate()}>
        {act.isPending ? 'Resuming…' : 'Resume this organization'}
      </Button>
      <Refused act={act} />
    </>
  )
}
