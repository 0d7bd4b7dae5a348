// Ending a connection for good: what it takes with it is said first, and what would only stop it for a while.
import type { Connection } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, organizationQuery, queries } from '../app/api.ts'
import { Button, Failure } from '../parts/parts.tsx'
import { connectorWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'

export function RemoveControl({
  connection,
  canManage,
}: {
  connection: Connection
  canManage: boolean
}): JSX.Element | null {
  const [isAsked, setAsked] = useState(false)
  const { organizationId, id: connectionId, connector, account, accountName, records } = connection
  const act = useMutation({
    mutationFn: () => client.removeConnection({ params: { organizationId, connectionId } }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: organizationQuery(organizationId).queryKey }),
        queries.invalidateQueries({ queryKey: ['organizations'] }),
      ]),
  })
  if (!canManage) return null
  const { name } = connectorWords(connector)
  if (!isAsked)
    return (
      <Button look="quiet" className="-ml-3" onClick={() => setAsked(true)}>
        Remove this connection
      </Button>
    )
  return (
    <div role="group" aria-label="Remove this connection" className="border-l-2 border-bad pl-3">
      <p className="font-medium break-words">
        Remove {name} {accountName ?? account} for good?
      </p>
      <ul className="mt-1 list-disc space-y-0.5 pl-4 text-ink-2">
        <li>
          {plural(records, 'record')} stay here and in {name}, and change apart from each other from now on.
        </li>
        <li>Its credentials are erased and its links forgotten. It cannot be undone.</li>
        <li>Other organizations notice nothing. To stop for a while, pause it.</li>
      </ul>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button look="danger" disabled={act.isPending || act.isSuccess} onClick={() => act.mutate()}>
          {act.isPending || act.isSuccess ? 'Removing…' : 'Remove for good'}
        </Button>
        <Button disabled={act.isPending} onClick={() => setAsked(false)}>
          Keep it
        </Button>
      </div>
      {act.isError && (
        <div className="mt-3">
          <Failure error={act.error} />
        </div>
      )}
    </div>
  )
}
