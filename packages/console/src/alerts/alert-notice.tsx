// The line on an organization's page while it is slower than it usually is.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { JSX } from 'react'
import { Ago, Status } from '../parts/parts.tsx'
import { organizationAlertsQuery } from './alerts.ts'
import { formatFactor, formatMs } from './words.ts'

export function AlertNotice({ organizationId }: { organizationId: string }): JSX.Element | null {
  const { data } = useQuery(organizationAlertsQuery(organizationId))
  const open = data?.items.find(({ closedAt }) => closedAt === null)
  if (open === undefined) return null
  return (
    <p role="status" className="appear flex flex-wrap items-baseline gap-x-4 gap-y-0.5 pb-4">
      <Status tone="warn">Slower than usual</Status>
      <span className="num">
        p95 {formatMs(open.p95Ms)}, {formatFactor(open.factor)} what is usual, since <Ago at={open.beganAt} />
      </span>
      <Link
        from="/organizations/$organizationId"
        to="."
        search={{ tab: 'load' }}
        replace
        resetScroll={false}
        className="text-brick-ink underline decoration-line-strong underline-offset-4"
      >
        See the query
      </Link>
    </p>
  )
}
