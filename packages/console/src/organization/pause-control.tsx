// Pausing and resuming. Pausing says first what will happen; both show the refusal where there is one.
import type { Connection } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client, connectionQuery, organizationQuery, queries } from '../app/api.ts'
import { patchList } from '../organizations/list.ts'
import { Opens } from '../parts/opens.tsx'
import { Button, Refused } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import { connectorWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'

export interface PauseControlProps {
  readonly connection: Connection
  readonly canManage: boolean
  readonly pending: number
}

export function PauseControl({ connection, canManage, pending }: PauseControlProps): JSX.Element | null {
  const { state } = connection
  if (!canManage || state === 'disconnected' || state === 'authorizing') return null
  if (state === 'paused') return <Resume connection={connection} />
  return (
    <Opens className="mt-3" render={(close) => <Asked connection={connection} pending={pending} onKeep={close} />}>
      Pause syncing
    </Opens>
  )
}

/** Pauses or resumes, and shows what came of it at once. */
function useChange(
  { organizationId, id: connectionId }: Connection,
  change: (input: { params: { organizationId: string; connectionId: string } }) => Promise<Connection>,
) {
  return useMutation({
    mutationFn: () => change({ params: { organizationId, connectionId } }),
    onSuccess: (changed) => {
      queries.setQueryData(organizationQuery(organizationId).queryKey, (old) =>
        old === undefined ? old : { ...old, connection: changed },
      )
      patchList(new Map(), new Map([[organizationId, changed]]))
      void queries.invalidateQueries({ queryKey: connectionQuery(organizationId, connectionId).queryKey })
    },
  })
}

function Resume({ connection }: { connection: Connection }): JSX.Element {
  const act = useChange(connection, client.resumeConnection)
  return (
    <>
      <Button className="mt-3" disabled={act.isPending} onClick={() => act.mutate()}>
        {act.isPending ? 'Resuming…' : 'Resume syncing'}
      </Button>
      <p className="mt-1.5 text-xs text-ink-3">It goes on from where it stopped.</p>
      <Refused act={act} />
    </>
  )
}

function Asked({
  connection,
  pending,
  onKeep,
}: Omit<PauseControlProps, 'canManage'> & { onKeep: () => void }): JSX.Element {
  const act = useChange(connection, client.pauseConnection)
  const { name } = connectorWords(connection.connector)
  return (
    <Question
      title={`Pause syncing with ${name}?`}
      effects={[
        `Changes here and in ${name} wait; none is lost.`,
        pending === 0
          ? 'No change waits to be delivered now.'
          : `${plural(pending, 'change')} already ${pending === 1 ? 'waits' : 'wait'} to be delivered.`,
        'Other organizations notice nothing.',
      ]}
      yes="Pause"
      doing="Pausing…"
      no="Keep syncing"
      act={act}
      onYes={() => act.mutate()}
      onNo={onKeep}
    />
  )
}
