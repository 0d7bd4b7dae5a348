// Alerts, one line each: who, how much slower, since when, and the query. A link to the organization where it names one.
import type { Alert } from '@rowhouse/contracts'
import { Link } from '@tanstack/react-router'
import type { JSX } from 'react'
import { Ago, Status } from '../parts/parts.tsx'
import { closedWords, formatFactor, formatMs } from './words.ts'

export interface AlertListProps {
  readonly alerts: readonly Alert[]
  readonly label: string
  /** Whether the query is cut to a line. @default false */
  readonly isShort?: boolean
  /** Whether each says which organization it is about. @default true */
  readonly isNamed?: boolean
}

export const AlertList = ({ alerts, label, isShort = false, isNamed = true }: AlertListProps): JSX.Element => (
  <ul aria-label={label} className="border-t border-line">
    {alerts.map((alert) => (
      <Line key={alert.id} alert={alert} isShort={isShort} isNamed={isNamed} />
    ))}
  </ul>
)

function Line({ alert, isShort, isNamed }: { alert: Alert; isShort: boolean; isNamed: boolean }): JSX.Element {
  const { organizationId, name, p95Ms, baselineMs, factor, peakFactor, beganAt, closedAt, closedBecause, query } = alert
  const isOpen = closedAt === null
  return (
    <li className="border-b border-line py-3">
      <p className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5">
        <Status tone={isOpen ? 'warn' : 'off'}>
          {isOpen ? `${formatFactor(factor)} its usual` : `up to ${formatFactor(peakFactor)}`}
        </Status>
        {isNamed && (
          <Link
            to="/organizations/$organizationId"
            params={{ organizationId }}
            search={{ tab: 'load' }}
            className="min-w-0 font-medium break-words underline decoration-line-strong underline-offset-4 hover:decoration-ink-3"
          >
            {name}
          </Link>
        )}
        <span className="num text-ink-2">
          p95 {formatMs(p95Ms)}, usually {formatMs(baselineMs)}
        </span>
        <span className="text-xs text-ink-3 md:ml-auto">
          {isOpen ? (
            <>
              began <Ago at={beganAt} />
            </>
          ) : (
            <>
              ended <Ago at={closedAt} />
              {closedBecause !== null && `: ${closedWords[closedBecause]}`}
            </>
          )}
        </span>
      </p>
      <Query {...query} isShort={isShort} />
    </li>
  )
}

function Query({ fingerprint, text, p95Ms, isShort }: Alert['query'] & { isShort: boolean }): JSX.Element {
  return (
    <p className="mt-1 flex items-baseline gap-x-3 text-xs">
      <code
        className={`code min-w-0 text-ink-2 ${isShort ? 'truncate' : 'line-clamp-3 break-words'}`}
        title={text ?? fingerprint}
      >
        {text ?? `query ${fingerprint}`}
      </code>
      <span className="num ml-auto shrink-0 text-ink-3">p95 {formatMs(p95Ms)}</span>
    </p>
  )
}
