// Where the organization should live, and the numbers that say so.
import type { Advice, AdviceSignal } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { formatMs } from '../alerts/words.ts'
import { HouseMark } from '../parts/marks.tsx'
import { Ago, Bar, Failure, Loading, Status } from '../parts/parts.tsx'
import { isolationWords } from '../words/connection.ts'
import { formatCount } from '../words/numbers.ts'
import { adviceQuery } from './queries.ts'
import { Section } from './section.tsx'

export function AdviceView({ organizationId, slug }: { organizationId: string; slug: string }): JSX.Element {
  const { data, error, isPending, refetch } = useQuery(adviceQuery(organizationId))
  return (
    <Section title="Where it should live">
      {isPending ? (
        <Loading lines={4} label="Measuring" />
      ) : data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Found advice={data} slug={slug} />
      )}
    </Section>
  )
}

function Found({
  advice: { advises, isolation, cluster, region, signals, at },
  slug,
}: {
  advice: Advice
  slug: string
}): JSX.Element {
  const place = [
    isolationWords[advises.isolation].meaning,
    ...(advises.region === null ? [] : [`in ${advises.region}`]),
    ...(advises.otherCluster ? ['on another cluster'] : []),
  ].join(', ')
  return (
    <>
      <div className="flex items-start gap-3">
        <HouseMark isolation={advises.isolation} />
        <div className="min-w-0">
          <p className="font-medium">
            {advises.change === 'stay' ? <>It is well where it is.</> : <Status tone="warn">Move it</Status>}{' '}
            <span className="font-normal text-ink-2">
              {advises.change === 'stay'
                ? `${isolationWords[isolation].meaning}, on ${cluster} (${region}).`
                : `${place}.`}
            </span>
          </p>
          <ul className="mt-1 max-w-[80ch] text-ink-2">
            {advises.why.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </div>
      </div>
      <ul aria-label="Signals" className="mt-4 border-t border-line">
        {signals.map((signal) => (
          <Signal key={signal.signal} signal={signal} />
        ))}
      </ul>
      <p className="mt-2 text-xs text-ink-3">
        Found <Ago at={at} />; nothing was scanned for it. <span className="code">rowhouse org advice {slug}</span> says
        the same.
      </p>
    </>
  )
}

const names: Record<AdviceSignal['signal'], string> = {
  rows: 'Rows',
  policy_time: 'Policy time',
  connections: 'Connections of its server',
  schemas: 'Schemas of its database',
  residency: 'Region',
  own_key: 'Key of its own',
}

function say(value: AdviceSignal['value'], unit: AdviceSignal['unit']): string {
  if (value === null) return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value
  if (unit === 'ms') return formatMs(value)
  return unit === 'percent' ? `${formatCount(value)} %` : formatCount(value)
}

function Signal({
  signal: { signal, value, threshold, unit, isExceeded, method, problem },
}: {
  signal: AdviceSignal
}): JSX.Element {
  const isNumber = typeof value === 'number' && typeof threshold === 'number'
  return (
    <li className="grid gap-x-6 gap-y-1 border-b border-line py-2.5 md:grid-cols-[200px_200px_minmax(0,1fr)]">
      <span className="flex flex-wrap items-baseline gap-x-3">
        <span className="font-medium">{names[signal]}</span>
        {isExceeded && (
          <span className="text-xs">
            <Status tone="warn">exceeded</Status>
          </span>
        )}
        {problem !== null && (
          <span className="text-xs">
            <Status tone="off">unknown</Status>
          </span>
        )}
      </span>
      <span className="min-w-0">
        <span className="num flex justify-between gap-3">
          <span>{say(value, unit)}</span>
          {threshold !== null && (
            <span className="text-ink-3">
              {typeof threshold === 'number' ? `of ${say(threshold, unit)}` : `asked: ${say(threshold, unit)}`}
            </span>
          )}
        </span>
        {isNumber && (
          <span className="mt-1 block">
            <Bar
              value={value}
              limit={threshold}
              tone={isExceeded ? 'warn' : 'ink'}
              label={`${names[signal]}: ${say(value, unit)} of ${say(threshold, unit)}`}
            />
          </span>
        )}
      </span>
      <span className="text-xs text-ink-3">
        {method}
        {problem !== null && <span className="code"> {problem}</span>}
      </span>
    </li>
  )
}
