// What an organization's statements cost: the last hour as pictures on one time axis, and its statements by shape.
import type { Measures } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { formatMs } from '../alerts/words.ts'
import { useNow } from '../live/now.ts'
import { Plot } from '../organization/plot.tsx'
import type { Axis, Series } from '../organization/plot.tsx'
import { Bar, Failure, Loading } from '../parts/parts.tsx'
import { formatBytes, formatCount } from '../words/numbers.ts'
import { measuresQuery } from './queries.ts'
import { Section } from './section.tsx'

const SPAN_MS = 3_600_000
const MINUTE_MS = 60_000
const axis: Axis = [
  { beforeMs: 3_200_000, label: '−60 min' },
  { beforeMs: 1_800_000, label: '−30' },
  { beforeMs: 240_000, label: 'now' },
]

export function MeasureView({ organizationId }: { organizationId: string }): JSX.Element {
  const { data, error, isPending, refetch } = useQuery(measuresQuery(organizationId))
  if (isPending) return <Loading lines={4} label="Reading what was measured" />
  if (data === undefined) return <Failure error={error} onRetry={() => void refetch()} />
  return (
    <Section title="Statements, the last hour">
      {data.statements.length === 0 ? (
        <p className="max-w-[72ch] text-ink-2">
          It asked nothing in the last hour. When its application does, this shows how long statements take against what
          is usual, how many there are, and which take the time. {usualWords(data)}
        </p>
      ) : (
        <>
          <Pictures measures={data} />
          <Statements statements={data.statements} />
          <p className="num mt-2 text-xs text-ink-3">{usualWords(data)}</p>
        </>
      )}
    </Section>
  )
}

const usualWords = ({ baselineMs, opensAtMs }: Measures): string =>
  baselineMs === null || opensAtMs === null
    ? 'What is usual for it is not known yet: that takes two hours with statements.'
    : `Its usual p95 is ${formatMs(baselineMs)}, the median of a day; an alert opens at ${formatMs(opensAtMs)}.`

function Pictures({ measures: { minutes, baselineMs } }: { measures: Measures }): JSX.Element {
  const nowMs = useNow()
  const toMs = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS
  const fromMs = toMs - SPAN_MS
  const points = (value: (minute: Measures['minutes'][number]) => number): Series['points'] =>
    minutes.map((minute) => [Date.parse(minute.at) + MINUTE_MS / 2, value(minute)])
  const sum = (value: (minute: Measures['minutes'][number]) => number): number =>
    minutes.reduce((total, minute) => total + value(minute), 0)
  const calls = sum((minute) => minute.calls)
  const errors = sum((minute) => minute.errors)
  const usual: Series[] =
    baselineMs === null
      ? []
      : [
          {
            look: 'usual',
            points: [
              [fromMs, baselineMs],
              [toMs, baselineMs],
            ],
          },
        ]
  const shared = { fromMs, toMs, axis }
  return (
    <div className="mb-5 grid grid-cols-2 gap-x-6 gap-y-4 xl:grid-cols-4">
      <Plot
        {...shared}
        title="p95"
        value={formatMs(minutes.at(-1)?.p95Ms ?? 0)}
        note={baselineMs === null ? 'usual not known yet' : `usually ${formatMs(baselineMs)}`}
        series={[{ look: 'line', points: points(({ p95Ms }) => p95Ms) }, ...usual]}
        format={formatMs}
      />
      <Plot
        {...shared}
        title="Statements"
        value={formatCount(calls)}
        note={errors === 0 ? 'none failed' : `${formatCount(errors)} failed`}
        series={[{ look: 'bars', points: points((minute) => minute.calls) }]}
        format={formatCount}
      />
      <Plot
        {...shared}
        title="Rows"
        value={formatCount(sum(({ rows }) => rows))}
        note="returned or written"
        series={[{ look: 'bars', points: points(({ rows }) => rows) }]}
        format={formatCount}
      />
      <Plot
        {...shared}
        title="Bytes"
        value={formatBytes(sum(({ bytes }) => bytes))}
        note="on the wire, both ways"
        series={[{ look: 'bars', points: points(({ bytes }) => bytes) }]}
        format={formatBytes}
      />
    </div>
  )
}

function Statements({ statements }: { statements: Measures['statements'] }): JSX.Element {
  const total = statements.reduce((sum, { timeMs }) => sum + timeMs, 0)
  return (
    <ul aria-label="Statements by the time they took" className="border-t border-line">
      {statements.map(({ fingerprint, text, isBackground, calls, errors, rows, bytes, timeMs, p50Ms, p95Ms }) => (
        <li
          key={`${fingerprint} ${isBackground}`}
          className="grid gap-x-6 gap-y-1 border-b border-line py-2 lg:grid-cols-[minmax(0,1fr)_430px]"
        >
          <code className="code line-clamp-3 min-w-0 break-words text-ink" title={text}>
            {text}
          </code>
          <div className="min-w-0">
            {isBackground && <p className="text-xs text-ink-3">In the background: no part of its p95.</p>}
            <dl className="num flex flex-wrap gap-x-4 text-xs text-ink-2">
              <Fact name="p95" value={formatMs(p95Ms)} />
              <Fact name="p50" value={formatMs(p50Ms)} />
              <Fact name="calls" value={formatCount(calls)} />
              {errors > 0 && <Fact name="failed" value={formatCount(errors)} isBad />}
              <Fact name="rows" value={formatCount(rows)} />
              <Fact name="bytes" value={formatBytes(bytes)} />
            </dl>
            <div className="mt-1.5">
              <Bar value={timeMs} limit={total} tone="ink" label={`Share of the time: ${formatMs(timeMs)}`} />
            </div>
          </div>
        </li>
      ))}
    </ul>
  )
}

const Fact = ({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }): JSX.Element => (
  <div className="flex gap-1">
    <dt className="text-ink-3">{name}</dt>
    <dd className={isBad ? 'text-bad' : 'text-ink'}>{value}</dd>
  </div>
)
