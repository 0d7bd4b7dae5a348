// How an organization loads the database: when it was slower than usual, what its statements cost, what it may have, and whether it
// should live elsewhere. Members see the first; the rest is about the application and the fleet, and for operators.
import type { Organization } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { meQuery } from '../app/api.ts'
import type { ActivitySearch } from '../activity/search.ts'
import { AlertList } from '../alerts/alert-list.tsx'
import { organizationAlertsQuery } from '../alerts/alerts.ts'
import { Failure, Loading } from '../parts/parts.tsx'
import { AdviceView } from './advice-view.tsx'
import { MeasureView } from './measure-view.tsx'
import { PlanView } from './plan-view.tsx'
import { Section } from './section.tsx'

export function LoadView({
  organization,
  search,
  onSearch,
}: {
  organization: Organization
  search: ActivitySearch
  onSearch: (change: ActivitySearch) => void
}): JSX.Element {
  const { id: organizationId, slug } = organization
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  return (
    <div className="space-y-8 pt-5">
      {isOperator && (
        <MeasureView organizationId={organizationId} span={search.span} onSpan={(span) => onSearch({ span })} />
      )}
      <Alerts organizationId={organizationId} />
      {isOperator && <PlanView organization={organization} />}
      {isOperator && <AdviceView organizationId={organizationId} slug={slug} />}
    </div>
  )
}

function Alerts({ organizationId }: { organizationId: string }): JSX.Element {
  const { data, error, isPending, refetch } = useQuery(organizationAlertsQuery(organizationId))
  return (
    <Section title="Alerts">
      {isPending ? (
        <Loading lines={2} label="Reading the alerts" />
      ) : data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : data.items.length === 0 ? (
        <p className="max-w-[72ch] text-ink-2">
          It was never slower than it usually is. When its p95 becomes three times its usual, it shows here with the
          query that takes the time, since when, and when it was over.
        </p>
      ) : (
        <AlertList alerts={data.items} label="Alerts, newest first" isNamed={false} />
      )}
    </Section>
  )
}
