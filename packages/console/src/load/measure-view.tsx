// What an organization's statements cost: an hour or a day as pictures on one time axis, and the last hour's by shape.
import type { Measures } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import type { Span } from '../activity/search.ts'
import { formatMs } from '../alerts/words.ts'
import { useNow } from '../live/now.ts'
import { Plot } from '../organization/plot.tsx'
import type { Axis, Series } from '../organization/plot.tsx'
import { Bar, Button, Failure, Loading } from '../parts/parts.tsx'
import { formatDuration } from '../words/duration.ts'
import { formatBytes, formatCount } from '../words/numbers.ts'
import { measuresQuery } from './queries.ts'
import { Section } from './section.tsx'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

interface SpanLook {
  readonly word: string
  readonly spanMs: number
  /** Width of one of its windows. */
  readonly stepMs: number
  readonly axis: Axis
}

const hour: SpanLook = {
  word: 'the last hour',
  spanMs: HOUR_MS,
  stepMs: MINUTE_MS,
  axis: [
    { beforeMs: 3_060_000, label: '−60 min' },
    { beforeMs: 1_800_000, label: '−30' },
    { beforeMs: 240_000, label: 'now' },
  ],
}
const day: SpanLook = {
  word: 'the last day',
  spanMs: 24 * HOUR_MS,
  stepMs: 10 * MINUTE_MS,
  axis: [
    { beforeMs: 21.5 * HOUR_MS, label: '−24 h' },
    { beforeMs: 12 * HOUR_MS, label: '−12' },
    { beforeMs: 1.6 * HOUR_MS, label: 'now' },
  ],
}

export function MeasureView({
  organizationId,
  span,
  onSpan,
}: {
  organizationId: string
  /** @default an hour */
  span: Span | undefined
  onSpan: (span: Span | undefined) => void
}): JSX.Element {
  const { data, error, isPending, refetch } = useQuery(measuresQuery(organizationId))
  if (isPending) return <Loading lines={4} label="Reading what was measured" />
  if (data === undefined) return <Failure error={error} onRetry={() => void refetch()} />
  const look = span === 'day' ? day : hour
  const windows = span === 'day' ? data.history : data.minutes
  return (
    <Section
      title={`Statements, ${look.word}`}
      beside={
        <select
          aria-label="How far back"
          className="h-7 rounded-md border border-line-strong bg-raised px-2 text-xs text-ink"
          value={span ?? ''}
          onChange={({ target }) => onSpan(target.value === 'day' ? 'day' : undefined)}
        >
          <option value="">Last hour</option>
          <option value="day">Last day</option>
        </select>
      }
    >
      {windows.length === 0 ? (
        <p className="max-w-[72ch] text-ink-2">
          {data.minutes.length > 0
            ? 'None of its ten minutes is over yet; the last hour shows what it asked.'
            : `It asked nothing in ${look.word}.`}{' '}
          When its application does, this shows how long statements take against what is usual, how many there are, and
          which take the time. {usualWords(data)}
        </p>
      ) : (
        <Pictures windows={windows} look={look} baselineMs={data.baselineMs} />
      )}
      {data.statements.length > 0 && (
        <>
          <h3 className="pt-3 pb-1.5 text-xs text-ink-3">
            By what they ask, {hour.word}; the bar is the share of the time that all took
          </h3>
          <Statements statements={data.statements} />
        </>
      )}
      {windows.length > 0 && <p className="num mt-2 text-xs text-ink-3">{usualWords(data)}</p>}
    </Section>
  )
}

const usualWords = ({ baselineMs, opensAtMs }: Measures): string =>
  baselineMs === null || opensAtMs === null
    ? 'What is usual for it is not known yet: that takes two hours with statements.'
    : `Its usual p95 is ${formatMs(baselineMs)}, the median of a day; an alert opens at ${formatMs(opensAtMs)}.`

type Window = Measures['history'][number]

function Pictures({
  windows,
  look: { spanMs, stepMs, axis },
  baselineMs,
}: {
  windows: readonly Window[]
  look: SpanLook
  baselineMs: number | null
}): JSX.Element {
  const nowMs = useNow()
  const toMs = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS
  const fromMs = toMs - spanMs
  const points = (value: (window: Window) => number): Series['points'] =>
    windows.map((window) => [Date.parse(window.at) + stepMs / 2, value(window)])
  const sum = (value: (window: Window) => number): number => windows.reduce((total, window) => total + value(window), 0)
  const calls = sum((window) => window.calls)
  const errors = sum((window) => window.errors)
  const timeMs = sum((window) => window.timeMs)
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
    <div className="mb-5 grid grid-cols-2 gap-x-6 gap-y-4 lg:grid-cols-3">
      <Plot
        {...shared}
        title="p95"
        value={formatMs(windows.at(-1)?.p95Ms ?? 0)}
        note={baselineMs === null ? 'usual not known yet' : `usually ${formatMs(baselineMs)}`}
        series={[{ look: 'line', points: points(({ p95Ms }) => p95Ms) }, ...usual]}
        format={formatMs}
      />
      <Plot
        {...shared}
        title="Statements"
        value={formatCount(calls)}
        note={`${formatDuration(calls === 0 ? 0 : timeMs / calls)} each`}
        series={[{ look: 'bars', points: points((window) => window.calls) }]}
        format={formatCount}
      />
      <Plot
        {...shared}
        title="Time"
        value={formatDuration(timeMs)}
        note="all statements together"
        series={[{ look: 'bars', points: points((window) => window.timeMs) }]}
        format={formatDuration}
      />
      <Plot
        {...shared}
        title="Errors"
        value={formatCount(errors)}
        note={errors === 0 ? 'none failed' : `${shareOf(errors, calls)} of the statements`}
        series={[{ look: 'bars', points: points((window) => window.errors) }]}
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

/** A small share in digits that matter: `0.03 %`. */
const shareOf = (part: number, all: number): string => `${Number(((part / Math.max(1, all)) * 100).toPrecision(2))} %`

/** Those that take most of the time; the others wait behind a button. */
const SHOWN_FIRST = 5

function Statements({ statements }: { statements: Measures['statements'] }): JSX.Element {
  const [showsAll, setShowsAll] = useState(false)
  const total = statements.reduce((sum, { timeMs }) => sum + timeMs, 0)
  const shown = showsAll ? statements : statements.slice(0, SHOWN_FIRST)
  const left = statements.length - shown.length
  return (
    <>
      <ul aria-label="Statements by the time they took" className="border-t border-line">
        {shown.map(({ fingerprint, text, isBackground, calls, errors, rows, bytes, timeMs, p50Ms, p95Ms }) => (
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
      {left > 0 && (
        <Button look="quiet" className="mt-1 -ml-3" onClick={() => setShowsAll(true)}>
          Show {left === 1 ? 'the other one' : `the other ${formatCount(left)}`}
        </Button>
      )}
    </>
  )
}

const Fact = ({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }): JSX.Element => (
  <div className="flex gap-1">
    <dt className="text-ink-3">{name}</dt>
    <dd className={isBad ? 'text-bad' : 'text-ink'}>{value}</dd>
  </div>
)
