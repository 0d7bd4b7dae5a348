// When the rules were last asked, the button that asks them now, and how far a run is.
import type { Verification } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client, findingsQuery, queries } from '../app/api.ts'
import { Button, Failure } from '../parts/parts.tsx'
import { formatCount, percentOf } from '../words/numbers.ts'

export function RunControl({ run }: { run: Verification['run'] }): JSX.Element {
  const act = useMutation({
    mutationFn: () => client.runFindings(),
    onSuccess: (verification) => queries.setQueryData(findingsQuery.queryKey, verification),
  })
  const isRunning = run?.state === 'running'
  return (
    <div>
      <div className="flex min-h-8 flex-wrap items-center gap-x-4 gap-y-2">
        <Button look="primary" disabled={isRunning || act.isPending} onClick={() => act.mutate()}>
          {isRunning ? 'Running…' : 'Run now'}
        </Button>
        {isRunning && <Progress done={run.done} total={run.total} />}
      </div>
      {act.isError && (
        <div className="mt-3">
          <Failure error={act.error} />
        </div>
      )}
      {run?.state === 'failed' && !act.isPending && (
        <div role="alert" className="mt-3 max-w-[64ch] border-l-2 border-bad py-1 pl-3">
          <p className="font-medium">The last run failed: {run.error}</p>
          <p className="mt-0.5 text-ink-2">What is shown is what the run before it found. Run it again.</p>
        </div>
      )}
    </div>
  )
}

function Progress({ done, total }: { done: number; total: number }): JSX.Element {
  return (
    <span className="flex w-56 items-center gap-3">
      <span
        role="progressbar"
        aria-label="Rules asked"
        aria-valuenow={done}
        aria-valuemin={0}
        aria-valuemax={total}
        className="block h-1 grow overflow-hidden rounded-full bg-line"
      >
        <span
          className="block h-full rounded-full bg-busy transition-[width]"
          style={{ width: `${percentOf(done, total)}%` }}
        />
      </span>
      <span className="num text-xs whitespace-nowrap text-ink-3">
        {total === 0 ? 'beginning' : `${formatCount(done)} of ${formatCount(total)}`}
      </span>
    </span>
  )
}
