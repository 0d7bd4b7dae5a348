// Who needs me? Organizations that are slower than they usually are, and those that were.
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { useEvents } from '../live/events.ts'
import { Empty, Failure, Loading } from '../parts/parts.tsx'
import { AlertList } from './alert-list.tsx'
import { closedAlertsQuery, openAlertsQuery } from './alerts.ts'
import { headlineOf, wouldShow } from './words.ts'

export function AlertsPage(): JSX.Element {
  const open = useQuery(openAlertsQuery)
  const closed = useQuery(closedAlertsQuery)
  useEvents(undefined)
  if (open.isPending || closed.isPending) return page(<Loading lines={6} label="Reading the alerts" />)
  const failed = open.data === undefined ? open : closed.data === undefined ? closed : null
  if (open.data === undefined || closed.data === undefined)
    return page(
      <div className="py-8">
        <h1 className="sr-only">Alerts</h1>
        <Failure error={failed?.error} onRetry={() => void failed?.refetch()} />
      </div>,
    )
  const hasAny = open.data.items.length + closed.data.items.length > 0
  if (!hasAny)
    return page(
      <Empty isPage title={headlineOf([])} command="rowhouse org alerts">
        {wouldShow} It closes by itself.
      </Empty>,
    )
  return page(
    <>
      <div className="pt-6 pb-5 md:pt-8">
        <h1 className="text-xl font-semibold tracking-[-0.01em]">
          {headlineOf(open.data.items, open.data.next == null)}
        </h1>
        <p className="mt-1 max-w-[88ch] text-ink-2">
          What is usual for an organization is the median of a day; three times that opens an alert, and it closes by
          itself.
        </p>
      </div>
      {open.data.items.length > 0 && (
        <AlertList alerts={open.data.items.toSorted((a, b) => b.factor - a.factor)} label="Open alerts, worst first" />
      )}
      {closed.data.items.length > 0 && (
        <section className="mt-8">
          <h2 className="pb-2 font-semibold">Over</h2>
          <AlertList alerts={closed.data.items} label="Closed alerts, newest first" />
          {closed.data.next != null && (
            <p className="py-3 text-xs text-ink-3">
              These are the newest; older ones are shown with their organizations.
            </p>
          )}
        </section>
      )}
    </>,
  )
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Alerts · Rowhouse</title>
    {content}
  </main>
)
