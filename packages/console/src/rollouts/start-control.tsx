// Beginning a rollout: what it would do is shown first, and what speaks against it; what goes for good is agreed to by its own
// word, which is of exactly these files.
import type { RolloutPlan } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { JSX } from 'react'
import { client, queries, rolloutsQuery } from '../app/api.ts'
import { Opens } from '../parts/opens.tsx'
import { Button, Failure, Loading, Refused } from '../parts/parts.tsx'
import { formatCount, plural } from '../words/numbers.ts'
import { formatVersion } from './words.ts'

export const StartControl = ({ isRunning }: { isRunning: boolean }): JSX.Element => (
  <Opens look="primary" disabled={isRunning} render={(close) => <Planned onClose={close} />}>
    {isRunning ? 'A rollout is under way' : 'Plan a rollout'}
  </Opens>
)

function Planned({ onClose }: { onClose: () => void }): JSX.Element {
  const plan = useQuery({
    queryKey: ['rollout-plan'],
    queryFn: ({ signal }) => client.planRollout({ signal }),
    staleTime: 0,
    gcTime: 0,
  })
  const group = useRef<HTMLDivElement>(null)
  useEffect(() => group.current?.focus({ preventScroll: true }), [])
  return (
    <div
      ref={group}
      tabIndex={-1}
      role="group"
      aria-label="Plan of a rollout"
      className="max-w-[88ch] border-l-2 border-brick pl-3 outline-none"
    >
      {plan.isPending && <Loading lines={3} label="Planning" />}
      {plan.data === undefined && plan.error !== null && (
        <Failure error={plan.error} onRetry={() => void plan.refetch()} />
      )}
      {plan.data !== undefined && <Shown plan={plan.data} onClose={onClose} />}
      {plan.data === undefined && (
        <Button className="mt-3" onClick={onClose}>
          Close
        </Button>
      )}
    </div>
  )
}

function Shown({ plan, onClose }: { plan: RolloutPlan; onClose: () => void }): JSX.Element {
  const { target, upToDate, confirm, homes, waves, migrations, destroys } = plan
  const [agrees, setAgrees] = useState(false)
  const act = useMutation({
    mutationFn: () => client.startRollout({ body: agrees ? { confirm } : {} }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: rolloutsQuery.queryKey })
      onClose()
    },
  })
  if (target === null || upToDate)
    return (
      <>
        <p className="font-medium">
          {target === null ? 'The folder of the server holds no migration.' : 'Every home has all of it.'}
        </p>
        <Button className="mt-3" onClick={onClose}>
          Close
        </Button>
      </>
    )
  const problems = migrations.flatMap(({ file, problems: found }) => found.map((problem) => ({ file, ...problem })))
  return (
    <>
      <p className="font-medium">
        Bring {plural(homes.behind, 'home')} of {formatCount(homes.total)} to {formatVersion(target)}?
      </p>
      <ul className="mt-1 list-disc space-y-0.5 pl-4 text-ink-2">
        {migrations.map(({ file, statements }) => (
          <li key={file} className="break-words">
            <span className="code">{file}</span>, {plural(statements, 'statement')}
          </li>
        ))}
        <li>Waves: {waves.map(({ name, homes: count }) => `${name} (${formatCount(count)})`).join(', ')}.</li>
        <li>The first wave is verified before anybody else is touched. It can be cancelled, and gone on with.</li>
      </ul>
      {problems.length > 0 && (
        <div className="mt-3 border-l-2 border-bad pl-3">
          <p className="font-medium">It is refused:</p>
          <ul className="mt-1 space-y-1">
            {problems.map(({ file, line, column, check, message, instead }) => (
              <li key={`${file}:${line}:${column}:${check}`} className="break-words">
                <span className="code">
                  {file}:{line}:{column} [{check}]
                </span>{' '}
                {message} <span className="text-ink-2">{instead}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {destroys.length > 0 && (
        <div className="mt-3 border-l-2 border-bad pl-3">
          <p className="font-medium">In {plural(homes.behind, 'home')}, for good:</p>
          <ul className="mt-1 space-y-1">
            {destroys.map(({ file, line, check, message, reason }) => (
              <li key={`${file}:${line}:${check}`} className="break-words">
                <span className="code">
                  {file}:{line}
                </span>{' '}
                {message} <span className="text-ink-2">because {reason}</span>
              </li>
            ))}
          </ul>
          <label className="mt-2 flex items-start gap-2">
            <input
              type="checkbox"
              className="mt-1"
              checked={agrees}
              onChange={({ target: box }) => setAgrees(box.checked)}
            />
            I have read what goes for good.
          </label>
        </div>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button
          look="primary"
          disabled={act.isPending || problems.length > 0 || (destroys.length > 0 && !agrees)}
          onClick={() => act.mutate()}
        >
          {act.isPending ? 'Beginning…' : `Roll out to ${plural(homes.behind, 'home')}`}
        </Button>
        <Button onClick={onClose}>Not now</Button>
      </div>
      <Refused act={act} />
    </>
  )
}
