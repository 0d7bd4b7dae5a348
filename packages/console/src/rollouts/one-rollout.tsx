// One rollout: how far it is, what it ended with, the homes that are not done, and what can be done about it.
import type { Rollout } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, queries, rolloutsQuery } from '../app/api.ts'
import { useNow } from '../live/now.ts'
import { Opens } from '../parts/opens.tsx'
import { Ago, Button, CopyId, Failure, Loading, Newest, Refused, Status } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import { formatDuration } from '../words/duration.ts'
import { formatCount, percentOf, plural } from '../words/numbers.ts'
import { formatVersion, isResumable, leftMs, stateWords } from './words.ts'
import type { Seen } from './words.ts'

export function OneRollout({ rollout, isLast }: { rollout: Rollout; isLast: boolean }): JSX.Element {
  const { id, target, state, wave, homes, startedBy, startedAt, finishedAt, code, message } = rollout
  const { word, tone } = stateWords[state]
  const isRunning = state === 'running'
  return (
    <li className="border-t border-line py-4">
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <span className="code font-medium">{formatVersion(target)}</span>
        <Status tone={tone}>{word}</Status>
        <CopyId value={id} label="rollout id" short />
        <span className="text-xs text-ink-3">
          by {startedBy}, begun <Ago at={startedAt} />
          {finishedAt !== null && (
            <>
              , ended <Ago at={finishedAt} />
            </>
          )}
        </span>
      </div>
      <Progress rollout={rollout} isRunning={isRunning} />
      {isRunning && wave !== null && <p className="mt-1 text-xs text-ink-3">wave: {wave}</p>}
      {message !== null && (
        <p className="mt-2 max-w-[88ch] break-words text-ink-2">
          {message} {code !== null && <span className="code text-ink-3">{code}</span>}
        </p>
      )}
      {homes.failed + homes.blocked > 0 && <OpenHomes rollout={rollout} isOpen={isLast} />}
      {isRunning && <CancelControl rollout={rollout} />}
      {isLast && isResumable(rollout) && <ResumeControl rollout={rollout} />}
    </li>
  )
}

function Progress({ rollout: { homes }, isRunning }: { rollout: Rollout; isRunning: boolean }): JSX.Element {
  const { total, done, failed, blocked } = homes
  const nowMs = useNow()
  const [first] = useState<Seen>({ atMs: nowMs, done })
  const remaining = total - done - failed - blocked
  const left = isRunning ? leftMs(first, { atMs: nowMs, done }, remaining) : null
  return (
    <div className="mt-2 flex max-w-2xl flex-wrap items-center gap-x-3 gap-y-1">
      <span
        role="progressbar"
        aria-label="Homes that are done"
        aria-valuenow={done}
        aria-valuemin={0}
        aria-valuemax={total}
        className="flex h-1.5 min-w-40 grow overflow-hidden rounded-full bg-line"
      >
        <span
          className={`block h-full transition-[width] ${isRunning ? 'bg-busy' : 'bg-ok'}`}
          style={{ width: `${percentOf(done, total)}%` }}
        />
        <span className="block h-full bg-bad" style={{ width: `${percentOf(failed + blocked, total)}%` }} />
      </span>
      <span className="num text-xs text-ink-3">
        {formatCount(done)} of {plural(total, 'home')}
        {failed > 0 && <span className="text-bad">, {formatCount(failed)} failed</span>}
        {blocked > 0 && <span className="text-warn">, {formatCount(blocked)} blocked</span>}
        {left !== null && `, about ${formatDuration(left)} left`}
      </span>
    </div>
  )
}

function OpenHomes({ rollout, isOpen }: { rollout: Rollout; isOpen: boolean }): JSX.Element {
  const [shown, setShown] = useState(isOpen)
  const { failed, blocked } = rollout.homes
  const { data, error, refetch } = useQuery({
    queryKey: ['rollout', rollout.id, failed, blocked],
    queryFn: ({ signal }) => client.getRollout({ params: { rolloutId: rollout.id }, signal }),
    enabled: shown,
  })
  if (!shown)
    return (
      <Button look="quiet" className="mt-2 -ml-3" onClick={() => setShown(true)}>
        Show the {plural(failed + blocked, 'home')} that {failed + blocked === 1 ? 'is' : 'are'} not done
      </Button>
    )
  if (data === undefined)
    return error === null ? (
      <Loading lines={2} label="Reading the homes that are not done" />
    ) : (
      <div className="mt-2">
        <Failure error={error} onRetry={() => void refetch()} />
      </div>
    )
  return (
    <>
      <ul aria-label="Homes that are not done" className="mt-2 max-w-[88ch]">
        {data.open.map(({ homeId, slug, schemaName, databaseName, cluster, state, code, message, version, line }) => (
          <li key={homeId} className="border-l-2 border-bad py-1 pl-3">
            <p className="flex flex-wrap items-baseline gap-x-3">
              <span className="font-medium">{slug ?? databaseName ?? schemaName}</span>
              <span className="text-xs text-ink-3">
                {state} on {cluster}
                {version !== null && ` at ${version}${line === null ? '' : `, line ${line}`}`}
              </span>
              {code !== null && <span className="code text-xs text-ink-3">{code}</span>}
            </p>
            {message !== null && <p className="break-words text-ink-2">{message}</p>}
          </li>
        ))}
      </ul>
      <Newest shown={data.open.length} total={failed + blocked} />
    </>
  )
}

const reread = (): Promise<void> => queries.invalidateQueries({ queryKey: rolloutsQuery.queryKey })

const CancelControl = ({ rollout: { id } }: { rollout: Rollout }): JSX.Element => (
  <Opens className="mt-3" render={(close) => <CancelQuestion id={id} onKeep={close} />}>
    Cancel
  </Opens>
)

function CancelQuestion({ id, onKeep }: { id: string; onKeep: () => void }): JSX.Element {
  const act = useMutation({
    mutationFn: () => client.cancelRollout({ params: { rolloutId: id } }),
    onSuccess: reread,
  })
  return (
    <Question
      title="Cancel the rollout?"
      effects={[
        'It stops between two homes; none is left half done.',
        'Homes that are done keep the migrations. It can be gone on with.',
      ]}
      yes="Cancel it"
      doing="Cancelling…"
      no="Let it run"
      act={act}
      onYes={() => act.mutate()}
      onNo={onKeep}
    />
  )
}

function ResumeControl({ rollout: { id, homes } }: { rollout: Rollout }): JSX.Element {
  const act = useMutation({
    mutationFn: () => client.resumeRollout({ params: { rolloutId: id }, body: {} }),
    onSuccess: reread,
  })
  const left = homes.total - homes.done
  return (
    <div className="mt-3">
      <Button disabled={act.isPending} onClick={() => act.mutate()}>
        {act.isPending ? 'Beginning…' : `Go on with ${plural(left, 'home')}`}
      </Button>
      <Refused act={act} />
    </div>
  )
}
