// Four small multiples on one time axis: how long changes take each way, how far behind we are, how
// much there is. The page's own samples, and what the changes tell of the time before it was opened.
import type { ActivityItem, Connection } from '@rowhouse/contracts'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { JSX } from 'react'
import { entriesOf, singles } from '../activity/entries.ts'
import { deliveryTimes, volume, withSample } from '../activity/samples.ts'
import type { Sample } from '../activity/samples.ts'
import { useNow } from '../live/now.ts'
import { formatDuration, formatLag } from '../words/duration.ts'
import { formatCount } from '../words/numbers.ts'
import { Plot } from './plot.tsx'
import type { Series } from './plot.tsx'

const SPAN_MS = 600_000
const SAMPLE_MS = 1000

export function Charts({ connection, items }: { connection: Connection; items: readonly ActivityItem[] }): JSX.Element {
  const nowMs = useNow()
  const [samples, setSamples] = useState<readonly Sample[]>([])
  const latest = useRef(connection)
  useEffect(() => {
    latest.current = connection
    setSamples((old) => withSample(old, connection, Date.now()))
  }, [connection])
  useEffect(() => {
    // A value that does not change is news as well.
    const timer = setInterval(() => {
      if (!document.hidden) setSamples((old) => withSample(old, latest.current, Date.now()))
    }, SAMPLE_MS)
    return () => clearInterval(timer)
  }, [])
  const toMs = Math.ceil(nowMs / SAMPLE_MS) * SAMPLE_MS
  const fromMs = toMs - SPAN_MS
  const { outbound, inbound } = connection.latencyMs
  // A backfill would make everything else a line on the ground.
  const oneByOne = useMemo(() => singles(entriesOf(items)), [items])
  const charts = useMemo(() => {
    const times = deliveryTimes(items, fromMs)
    const bins = volume(oneByOne, fromMs, toMs)
    const sampled = (value: (sample: Sample) => number | null): Series['points'] =>
      samples.map((sample) => [sample.atMs, value(sample)])
    return {
      outbound: [
        { look: 'dots', points: times.map(({ atMs, durationMs }) => [atMs, durationMs]) },
        { look: 'line', points: sampled(({ outboundMs }) => outboundMs) },
      ],
      inbound: [{ look: 'line', points: sampled(({ inboundMs }) => inboundMs) }],
      lag: [{ look: 'area', points: sampled(({ lagMs }) => lagMs) }],
      volume: [
        { look: 'bars', points: bins.map((bin) => [bin.atMs, bin.outbound + bin.inbound]) },
        { look: 'faint bars', points: bins.map((bin) => [bin.atMs, bin.inbound]) },
      ],
    } satisfies Record<string, Series[]>
  }, [items, oneByOne, samples, fromMs, toMs])
  const recent = oneByOne.filter(({ at }) => Date.parse(at) > nowMs - 60_000).length
  const percentiles = (
    latency: { p50: number; p99: number } | null,
    format: (ms: number) => string,
  ): [string, string] =>
    latency === null ? ['–', 'none yet'] : [format(latency.p50), `99 % within ${format(latency.p99)}`]
  // Between two clocks of which one is told in whole seconds, less is not known.
  const formatCoarse = (ms: number): string => (ms < 1000 ? '1 s or less' : formatDuration(ms))
  const shared = { fromMs, toMs }
  return (
    <section aria-label="The last ten minutes" className="mb-5 grid grid-cols-2 gap-x-6 gap-y-4 xl:grid-cols-4">
      <Plot
        {...shared}
        title="To the CRM"
        value={percentiles(outbound, formatDuration)[0]}
        note={percentiles(outbound, formatDuration)[1]}
        series={charts.outbound}
        format={formatDuration}
      />
      <Plot
        {...shared}
        title="From the CRM"
        value={percentiles(inbound, formatCoarse)[0]}
        note={percentiles(inbound, formatCoarse)[1]}
        series={charts.inbound}
        format={formatCoarse}
      />
      <Plot
        {...shared}
        title="Lag"
        value={formatLag(connection.lagMs)}
        note="oldest change on its way"
        series={charts.lag}
        format={formatDuration}
      />
      <Plot
        {...shared}
        title="Changes"
        value={`${formatCount(recent)} / min`}
        note="fainter: from the CRM"
        series={charts.volume}
        format={formatCount}
      />
    </section>
  )
}
