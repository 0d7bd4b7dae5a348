// One small chart. uPlot draws it; the caption says in words what it shows, so nothing is told by the
// picture alone. The cursor is shared by all charts of the page.
import './language.ts'
import { useEffect, useRef } from 'react'
import type { JSX } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useIsDark } from '../app/theme.ts'

const HEIGHT_PX = 72

export interface Series {
  /** `usual`: what the others are to be seen against. */
  readonly look: 'line' | 'dots' | 'area' | 'bars' | 'faint bars' | 'usual'
  /** Instants in milliseconds, ascending, with their values. */
  readonly points: readonly (readonly [number, number | null])[]
}

/** Where the time axis has words, oldest first. */
export type Axis = readonly { readonly beforeMs: number; readonly label: string }[]

const tenMinutes: Axis = [
  { beforeMs: 520_000, label: '−10 min' },
  { beforeMs: 300_000, label: '−5' },
  { beforeMs: 45_000, label: 'now' },
]

export interface PlotProps {
  readonly title: string
  /** The present value, in words. */
  readonly value: string
  readonly note: string
  readonly series: readonly Series[]
  readonly fromMs: number
  readonly toMs: number
  readonly format: (value: number) => string
  /** @default of ten minutes */
  readonly axis?: Axis
}

export function Plot({ title, value, note, series, fromMs, toMs, format, axis = tenMinutes }: PlotProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const isDark = useIsDark()
  const looks = series.map(({ look }) => look).join()
  const drawn = useRef({ series, fromMs, toMs, format, axis })
  useEffect(() => {
    drawn.current = { series, fromMs, toMs, format, axis }
    const chart = plot.current
    if (chart === null) return
    chart.batch(() => {
      chart.setData(aligned(series), false)
      chart.setScale('x', { min: fromMs / 1000, max: toMs / 1000 })
    })
  }, [series, fromMs, toMs, format, axis])
  useEffect(() => {
    const element = holder.current
    if (element === null) return
    const chart = new uPlot(optionsOf(drawn, element.clientWidth), aligned(drawn.current.series), element)
    plot.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
      plot.current = null
    }
    // The colours are read from the page, so another theme draws anew.
  }, [isDark, looks])
  return (
    <figure className="min-w-0">
      <figcaption>
        <span className="block text-xs text-ink-3">{title}</span>
        <span className="num block text-lg font-medium tracking-[-0.01em]">{value}</span>
        <span className="num block truncate text-xs text-ink-3">{note}</span>
      </figcaption>
      <div ref={holder} aria-hidden="true" className="mt-2 min-w-0 overflow-hidden" style={{ height: HEIGHT_PX }} />
    </figure>
  )
}

/** uPlot wants one axis: every instant once, and a value or null of each series there. */
function aligned(series: readonly Series[]): uPlot.AlignedData {
  const instants = [...new Set(series.flatMap(({ points }) => points.map(([atMs]) => atMs)))].sort((a, b) => a - b)
  const values = series.map(({ points, look }) => {
    const at = new Map(points)
    // undefined joins over another series' instants, null breaks the line.
    return instants.map((instant) =>
      at.has(instant) ? at.get(instant) : look === 'line' || look === 'area' || look === 'usual' ? undefined : null,
    )
  })
  return [instants.map((instant) => instant / 1000), ...values] as uPlot.AlignedData
}

function optionsOf(
  drawn: { readonly current: { fromMs: number; toMs: number; format: (value: number) => string; axis: Axis } },
  widthPx: number,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  // The newest value stands out, and is seen before there is a line.
  const newest: uPlot.Series.Points = {
    show: true,
    size: 5,
    width: 0,
    fill: colour('--ink'),
    filter: (chart, seriesIndex) => {
      const last = chart.data[seriesIndex]?.findLastIndex((value) => value != null) ?? -1
      return last < 0 ? null : [last]
    },
  }
  const looksOf: Record<Series['look'], uPlot.Series> = {
    line: { stroke: colour('--ink'), width: 1.5, points: newest },
    dots: {
      stroke: 'transparent',
      width: 0,
      paths: () => null,
      points: { show: true, size: 4, width: 0, fill: colour('--brick'), stroke: colour('--brick') },
    },
    usual: { stroke: colour('--ink-3'), width: 1, dash: [4, 4], points: { show: false } },
    area: { stroke: colour('--ink'), width: 1.5, fill: colour('--sunken'), points: newest },
    bars: {
      width: 0,
      fill: colour('--brick'),
      paths: uPlot.paths.bars?.({ size: [0.7, 8] }) ?? (() => null),
      points: { show: false },
    },
    'faint bars': {
      width: 0,
      fill: colour('--line-strong'),
      paths: uPlot.paths.bars?.({ size: [0.7, 8] }) ?? (() => null),
      points: { show: false },
    },
  }
  const { series } = drawn.current as unknown as { series: readonly Series[] }
  const font = '10px "JetBrains Mono Variable", monospace'
  return {
    width: widthPx,
    height: HEIGHT_PX,
    padding: [6, 4, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'organization' }, y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => [drawn.current.fromMs / 1000, drawn.current.toMs / 1000] },
      y: { range: (_chart, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)] },
    },
    axes: [
      {
        stroke: colour('--ink-3'),
        font,
        size: 16,
        gap: 2,
        grid: { show: false },
        ticks: { show: false },
        splits: () => drawn.current.axis.map(({ beforeMs }) => (drawn.current.toMs - beforeMs) / 1000),
        values: () => drawn.current.axis.map(({ label }) => label),
      },
      {
        stroke: colour('--ink-3'),
        font,
        size: 0,
        ticks: { show: false },
        grid: { stroke: colour('--line'), width: 1 },
        splits: (_chart, _axis, _min, max) => [0, max / 2, max],
        values: () => [],
      },
    ],
    series: [{}, ...series.map(({ look }) => looksOf[look])],
  }
}
