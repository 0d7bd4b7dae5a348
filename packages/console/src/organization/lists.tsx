// The organization's shorter lists: parked records, fields that were changed apart.
import type { Conflict, DeadLetter } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { JSX, ReactNode } from 'react'
import { client, organizationQuery, queries } from '../app/api.ts'
import { FieldValue } from '../activity/change-row.tsx'
import { Ago, Button, CopyId, Empty, Failure, Loading, Newest } from '../parts/parts.tsx'
import { plural } from '../words/numbers.ts'

interface Answer<Item> {
  readonly data: { readonly items: readonly Item[] } | undefined
  readonly error: unknown
  refetch(): unknown
}

function listOf<Item>(
  answer: Answer<Item>,
  label: string,
  empty: JSX.Element,
  total: number,
  show: (items: readonly Item[]) => ReactNode,
): JSX.Element {
  if (answer.data !== undefined)
    return answer.data.items.length === 0 ? (
      empty
    ) : (
      <>
        <ul aria-label={label}>{show(answer.data.items)}</ul>
        <Newest shown={answer.data.items.length} total={total} />
      </>
    )
  if (answer.error !== null)
    return (
      <div className="py-6">
        <Failure error={answer.error} onRetry={() => void answer.refetch()} />
      </div>
    )
  return <Loading lines={4} label={`Reading: ${label.toLowerCase()}`} />
}

const key = (organizationId: string, what: string): string[] => ['organization', organizationId, what]
const row = 'border-b border-line py-3'

export function DeadLetters({
  organizationId,
  total,
  canManage,
}: {
  organizationId: string
  /** As the connection counts them. */
  total: number
  canManage: (connectionId: string) => boolean
}): JSX.Element {
  const queryKey = key(organizationId, 'dead-letters')
  const answer = useQuery({
    queryKey,
    queryFn: ({ signal }) => client.listDeadLetters({ params: { organizationId }, signal }),
  })
  return listOf(
    answer,
    'Dead letters',
    <Empty title="No record is parked.">
      A record that cannot be synced is kept here with its reason, while all others go on.
    </Empty>,
    total,
    (items) =>
      items.map((letter) => (
        <Letter
          key={letter.id}
          letter={letter}
          organizationId={organizationId}
          canManage={canManage(letter.connectionId)}
        />
      )),
  )
}

function Letter({
  letter,
  organizationId,
  canManage,
}: {
  letter: DeadLetter
  organizationId: string
  canManage: boolean
}): JSX.Element {
  const replay = useMutation({
    mutationFn: () => client.replayDeadLetter({ params: { organizationId, deadLetterId: letter.id } }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: key(organizationId, 'dead-letters') }),
        queries.invalidateQueries({ queryKey: organizationQuery(organizationId).queryKey, exact: true }),
      ]),
  })
  return (
    <li className={`${row} flex flex-wrap items-start justify-between gap-x-6 gap-y-2`}>
      <div className="min-w-0 flex-1 basis-80">
        <p className="font-medium break-words">{letter.reason}</p>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-xs text-ink-3">
          <span>
            {letter.object}, {letter.direction === 'outbound' ? 'to the CRM' : 'from the CRM'}
          </span>
          {letter.recordId !== null && <CopyId value={letter.recordId} label="record id" short />}
          {letter.remoteId !== null && <CopyId value={letter.remoteId} label="CRM id" />}
          <span className="code">{letter.code}</span>
          <span className="num">
            {plural(letter.attempts, 'attempt')}, last <Ago at={letter.lastAt} />
          </span>
        </p>
        {replay.isError && (
          <div className="mt-2">
            <Failure error={replay.error} />
          </div>
        )}
      </div>
      {canManage && (
        <Button disabled={replay.isPending || replay.isSuccess} onClick={() => replay.mutate()}>
          {replay.isPending || replay.isSuccess ? 'Trying again…' : 'Try again'}
        </Button>
      )}
    </li>
  )
}

export function Conflicts({ organizationId, total }: { organizationId: string; total: number }): JSX.Element {
  const answer = useQuery({
    queryKey: key(organizationId, 'conflicts'),
    queryFn: ({ signal }) => client.listConflicts({ params: { organizationId }, signal }),
  })
  return listOf(
    answer,
    'Conflicts',
    <Empty title="No field was changed apart.">
      When both sides change the same field before hearing of each other, it is listed here with both values and the
      winner.
    </Empty>,
    total,
    (items) => items.map((conflict) => <OneConflict key={conflict.id} conflict={conflict} />),
  )
}

function OneConflict({
  conflict: { object, field, base, local, remote, winner, at, recordId },
}: {
  conflict: Conflict
}): JSX.Element {
  const side = (name: string, value: string | null, won: boolean): JSX.Element => (
    <div className={`min-w-0 rounded-sm px-2 py-1 ${won ? 'bg-brick-wash' : ''}`}>
      <dt className="text-xs text-ink-2">
        {name}
        {won ? ', won' : ''}
      </dt>
      <dd className="break-words">
        <FieldValue value={value} wraps />
      </dd>
    </div>
  )
  return (
    <li className={row}>
      <p className="flex flex-wrap items-baseline gap-x-3">
        <span className="code font-medium text-brick-ink">{field}</span>
        <span className="text-ink-2">{object}</span>
        {recordId !== null && <CopyId value={recordId} label="record id" short />}
        <span className="ml-auto text-xs text-ink-3">
          <Ago at={at} />
          {winner === null && ', not decided'}
        </span>
      </p>
      <dl className="mt-1.5 -ml-2 grid grid-cols-3 gap-2">
        {side('Before', base, false)}
        {side('Here', local, winner === 'local')}
        {side('In the CRM', remote, winner === 'remote')}
      </dl>
    </li>
  )
}
