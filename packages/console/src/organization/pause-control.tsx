// Pausing and resuming. Pausing says first what will happen; both show the refusal where there is one.
import type { Connection } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, connectionQuery, organizationQuery, queries } from '../app/api.ts'
import { patchList } from '../organizations/list.ts'
import { Button, Failure } from '../parts/parts.tsx'
import { connectorWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'

export interface PauseControlProps {
  readonly connection: Connection
  readonly canManage: boolean
  readonly pending: number
}

export function PauseControl({ connection, canManage, pending }: PauseControlProps): JSX.Element | null {
  const [isAsked, setAsked] = useState(false)
  const { organizationId, id: connectionId, state } = connection
  const isPaused = state === 'paused'
  const act = useMutation({
    mutationFn: () => {
      const input = { params: { organizationId, connectionId } }
      return isPaused ? client.resumeConnection(input) : client.pauseConnection(input)
    },
    onSuccess: (changed) => {
      setAsked(false)
      queries.setQueryData(organizationQuery(organizationId).queryKey, (old) =>
        old === undefined ? old : { ...old, connection: changed },
      )
      patchList(new Map(), new Map([[organizationId, changed]]))
      void queries.invalidateQueries({ queryKey: connectionQuery(organizationId, connectionId).queryKey })
    },
  })
  if (!canManage || state === 'disconnected' || state === 'authorizing') return null
  const { name } = connectorWords(connection.connector)
  const failure = act.isError && (
    <div className="mt-3">
      <Failure error={act.error} />
    </div>
  )
  if (isPaused) {
    return (
      <>
        <Button className="mt-3" disabled={act.isPending} onClick={() => act.mutate()}>
          {act.isPending ? 'Resuming…' : 'Resume syncing'}
        </Button>
        <p className="mt-1.5 text-xs text-ink-3">It goes on from where it stopped.</p>
        {failure}
      </>
    )
  }
  if (!isAsked) {
    return (
      <Button className="mt-3" onClick={() => setAsked(true)}>
        Pause syncing
      </Button>
    )
  }
  return (
    <div role="group" aria-label="Pause syncing" className="mt-3 border-l-2 border-brick pl-3">
      <p className="font-medium">Pause syncing with {name}?</p>
      <ul className="mt-1 list-disc space-y-0.5 pl-4 text-ink-2">
        <li>Changes here and in {name} wait; none is lost.</li>
        <li>
          {pending === 0
            ? 'No change waits to be delivered now.'
            : `${plural(pending, 'change')} already ${pending === 1 ? 'waits' : 'wait'} to be delivered.`}
        </li>
        <li>Other organizations notice nothing.</li>
      </ul>
      <div className="mt-3 flex gap-2">
        <Button look="primary" disabled={act.isPending} onClick={() => act.mutate()}>
          {act.isPending ? 'Pausing…' : 'Pause'}
        </Button>
        <Button onClick={() => setAsked(false)}>Keep syncing</Button>
      </div>
      {failure}
    </div>
  )
}
