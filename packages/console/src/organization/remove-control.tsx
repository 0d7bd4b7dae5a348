// Ending a connection for good: what it takes with it is said first, and what would only stop it for a while.
import type { Connection } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client, organizationQuery, queries } from '../app/api.ts'
import { Opens } from '../parts/opens.tsx'
import { Question } from '../parts/question.tsx'
import { connectorWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'

export function RemoveControl({
  connection,
  canManage,
}: {
  connection: Connection
  canManage: boolean
}): JSX.Element | null {
  if (!canManage) return null
  return (
    <Opens look="quiet" className="-ml-3" render={(close) => <Asked connection={connection} onKeep={close} />}>
      Remove this connection
    </Opens>
  )
}

function Asked({ connection, onKeep }: { connection: Connection; onKeep: () => void }): JSX.Element {
  const { organizationId, id: connectionId, connector, account, accountName, records } = connection
  const act = useMutation({
    mutationFn: () => client.removeConnection({ params: { organizationId, connectionId } }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: organizationQuery(organizationId).queryKey }),
        queries.invalidateQueries({ queryKey: ['organizations'] }),
      ]),
  })
  const { name } = connectorWords(connector)
  return (
    <Question
      className=""
      isForGood
      title={`Remove ${name} ${accountName ?? account} for good?`}
      effects={[
        `${plural(records, 'record')} ${records === 1 ? 'stays' : 'stay'} here and in ${name}, and ${records === 1 ? 'changes apart' : 'change apart from each other'} from now on.`,
        'Its credentials are erased and its links forgotten. It cannot be undone.',
        'Other organizations notice nothing. To stop for a while, pause it.',
      ]}
      yes="Remove for good"
      doing="Removing…"
      no="Keep it"
      act={act}
      onYes={() => act.mutate()}
      onNo={onKeep}
    />
  )
}
