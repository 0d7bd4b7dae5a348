// Who loads the databases? The organizations whose statements took the most time, each with its share, and what is wrong with it.
import type { Usage } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { JSX } from 'react'
import { openAlertsQuery } from '../alerts/alerts.ts'
import { meQuery } from '../app/api.ts'
import { useEvents } from '../live/events.ts'
import { Empty, Failure, Loading } from '../parts/parts.tsx'
import { formatBytes, formatCount, plural } from '../words/numbers.ts'
import { usageQuery } from './queries.ts'
import { UsageTable } from './usage-table.tsx'
import { headlineOf } from './words.ts'

const route = getRouteApi('/signed-in/load')
const MINUTES = 5
const HOUR_MINUTES = 60

export function LoadPage(): JSX.Element {
  const { span } = route.useSearch()
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  const { data, error, isPending, refetch } = useQuery({
    ...usageQuery(span === 'hour' ? HOUR_MINUTES : MINUTES),
    enabled: isOperator,
  })
  const { data: alerts } = useQuery({ ...openAlertsQuery, enabled: isOperator })
  useEvents(undefined)
  if (me !== undefined && !isOperator)
    return page(
      <Empty isPage title="Only operators see this.">
        What statements cost is measured over organizations of all customers. Sign in with the operator key to see it.
      </Empty>,
    )
  if (isPending) return page(<Loading lines={8} label="Reading what was measured" />)
  if (data === undefined)
    return page(
      <div className="py-8">
        <h1 className="sr-only">Load</h1>
        <Failure error={error} onRetry={() => void refetch()} />
      </div>,
    )
  return page(
    <>
      <Head usage={data} />
      {data.items.length === 0 ? (
        <Empty title="Nothing was measured." command="rowhouse org measures acme">
          Whatever asks through Rowhouse is counted by organization: how long its statements took, how many there were,
          how many failed, how many rows and bytes they moved. What comes by PostgREST is not.
        </Empty>
      ) : (
        <UsageTable usage={data} alerts={alerts?.items ?? []} />
      )}
    </>,
  )
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Load · Rowhouse</title>
    {content}
  </main>
)

function Head({ usage: { minutes, total, items } }: { usage: Usage }): JSX.Element {
  const { span } = route.useSearch()
  const navigate = route.useNavigate()
  const lately = minutes === HOUR_MINUTES ? 'the last hour' : `the last ${minutes} minutes`
  return (
    <div className="pt-6 pb-5 md:pt-8">
      <h1 className="text-xl font-semibold tracking-[-0.01em]">{headlineOf(total, items, lately)}</h1>
      <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-2">
        <ul className="num flex flex-wrap gap-x-4 gap-y-0.5 text-ink-2">
          <li>{plural(total.calls, 'statement')}</li>
          <li className={total.errors > 0 ? 'text-bad' : ''}>
            {total.errors === 0 ? 'none failed' : `${formatCount(total.errors)} failed`}
          </li>
          <li>{plural(total.rows, 'row')}</li>
          <li>{formatBytes(total.bytes)} on the wire</li>
        </ul>
        <select
          aria-label="How far back"
          className="h-8 rounded-md border border-line-strong bg-raised px-2.5 text-ink md:ml-auto"
          value={span ?? ''}
          onChange={({ target }) =>
            void navigate({ search: { span: target.value === 'hour' ? 'hour' : undefined }, replace: true })
          }
        >
          <option value="">Last 5 minutes</option>
          <option value="hour">Last hour</option>
        </select>
      </div>
    </div>
  )
}
