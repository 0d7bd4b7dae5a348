// The busiest organizations, one row each; on a phone a row is two lines.
import type { Alert, Usage } from '@rowhouse/contracts'
import { Link } from '@tanstack/react-router'
import type { JSX } from 'react'
import { formatFactor, formatMs } from '../alerts/words.ts'
import { Bar, Newest, Status } from '../parts/parts.tsx'
import { formatDuration } from '../words/duration.ts'
import { formatBytes, formatCount, percentOf } from '../words/numbers.ts'

const head = 'py-1.5 pl-4 text-right font-normal'
const cell = 'num py-2 pl-4 text-right whitespace-nowrap'

export function UsageTable({ usage, alerts }: { usage: Usage; alerts: readonly Alert[] }): JSX.Element {
  const { items, total } = usage
  const open = new Map(alerts.map((alert) => [alert.organizationId, alert]))
  return (
    <>
      <table className="w-full">
        <caption className="sr-only">Organizations by the time that their statements took</caption>
        <thead className="border-b border-line text-xs text-ink-3">
          <tr>
            <th scope="col" className="py-1.5 text-left font-normal">
              Organization
            </th>
            <th scope="col" className={`${head} w-[24%] md:w-52`}>
              Time
            </th>
            <th scope="col" className={`${head} max-md:hidden`}>
              p95
            </th>
            <th scope="col" className={`${head} max-md:hidden`}>
              Statements
            </th>
            <th scope="col" className={`${head} max-md:hidden`}>
              Errors
            </th>
            <th scope="col" className={`${head} max-lg:hidden`}>
              Rows
            </th>
            <th scope="col" className={`${head} max-lg:hidden`}>
              Bytes
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <Row key={item.organizationId} item={item} totalMs={total.timeMs} alert={open.get(item.organizationId)} />
          ))}
        </tbody>
      </table>
      <Newest shown={items.length} total={total.organizations} />
    </>
  )
}

function Row({
  item: { organizationId, name, slug, timeMs, backgroundTimeMs, p95Ms, calls, errors, rows, bytes },
  totalMs,
  alert,
}: {
  item: Usage['items'][number]
  totalMs: number
  alert: Alert | undefined
}): JSX.Element {
  const background = percentOf(backgroundTimeMs, timeMs)
  return (
    <tr className="border-b border-line align-baseline hover:bg-sunken">
      <th scope="row" className="py-2 text-left font-normal">
        <span className="flex flex-wrap items-baseline gap-x-3">
          <Link
            to="/organizations/$organizationId"
            params={{ organizationId }}
            search={{ tab: 'load' }}
            title={slug}
            className="min-w-0 font-medium break-words underline decoration-line-strong underline-offset-4 hover:decoration-ink-3"
          >
            {name}
          </Link>
          {alert !== undefined && (
            <span className="text-xs">
              <Status tone="warn">{formatFactor(alert.factor)} its usual</Status>
            </span>
          )}
          {background > 0 && <span className="num text-xs text-ink-3">{background} % in the background</span>}
        </span>
        <span className="num block text-xs text-ink-3 md:hidden">
          {formatCount(calls)} statements
          {errors > 0 && <span className="text-bad">, {formatCount(errors)} failed</span>}
          {p95Ms !== null && `, p95 ${formatMs(p95Ms)}`}
        </span>
      </th>
      <td className={cell}>
        <span className="flex items-baseline justify-between gap-3">
          <span className="text-xs text-ink-3">{percentOf(timeMs, totalMs)} %</span>
          <span>{formatDuration(timeMs)}</span>
        </span>
        <span className="mt-1 block">
          <Bar value={timeMs} limit={totalMs} tone={alert === undefined ? 'ink' : 'warn'} label={`Share of ${name}`} />
        </span>
      </td>
      <td className={`${cell} max-md:hidden`}>{p95Ms === null ? '–' : formatMs(p95Ms)}</td>
      <td className={`${cell} max-md:hidden`}>{formatCount(calls)}</td>
      <td className={`${cell} max-md:hidden ${errors > 0 ? 'text-bad' : 'text-ink-3'}`}>{formatCount(errors)}</td>
      <td className={`${cell} max-lg:hidden`}>{formatCount(rows)}</td>
      <td className={`${cell} max-lg:hidden`}>{formatBytes(bytes)}</td>
    </tr>
  )
}
