// Who needs me, on the page that one sees first: the worst of what is open, or the sentence that nothing is.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { JSX } from 'react'
import { Failure } from '../parts/parts.tsx'
import { AlertList } from './alert-list.tsx'
import { openAlertsQuery } from './alerts.ts'
import { headlineOf, wouldShow } from './words.ts'

const SHOWN_MAX = 3

export function AlertStrip(): JSX.Element | null {
  const { data, error, refetch } = useQuery(openAlertsQuery)
  if (data === undefined) {
    return error === null ? null : (
      <div className="pb-5">
        <Failure error={error} onRetry={() => void refetch()} />
      </div>
    )
  }
  const worst = data.items.toSorted((a, b) => b.factor - a.factor)
  if (worst.length === 0) {
    return (
      <p className="pb-5 text-ink-3">
        {headlineOf([])} <span className="max-md:hidden">{wouldShow}</span>
      </p>
    )
  }
  return (
    <section aria-labelledby="alerts" className="pb-5">
      <div className="flex flex-wrap items-baseline gap-x-4 pb-2">
        <h2 id="alerts" className="font-semibold">
          {headlineOf(worst, data.next == null)}
        </h2>
        <Link to="/alerts" className="text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink">
          All alerts
        </Link>
      </div>
      <AlertList alerts={worst.slice(0, SHOWN_MAX)} label="Alerts, worst first" isShort />
    </section>
  )
}
