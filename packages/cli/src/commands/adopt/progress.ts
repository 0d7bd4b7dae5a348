// Progress: a bar that moves on a terminal, a line a step elsewhere, JSON lines for programs.
import type { AdoptEvent } from '@rowhouse/database'
import { renderDuration } from '../../output/moment.ts'

/** Between two reports of rows. */
const ROWS_EVERY_MS = { bar: 100, lines: 10_000, json: 1000 } as const
const BAR_WIDTH = 30

export interface ProgressOutput {
  readonly json: boolean
  readonly isTerminal: boolean
  readonly write: (text: string) => void
  /** @default performance.now */
  readonly now?: () => number
}

export function makeProgress({
  json,
  isTerminal,
  write,
  now = () => performance.now(),
}: ProgressOutput): (event: AdoptEvent) => void {
  const manner = json ? 'json' : isTerminal ? 'bar' : 'lines'
  let rowsAt = Number.NEGATIVE_INFINITY
  return (event) => {
    if (event.type === 'rows') {
      const isLast = event.pagesDone >= event.pagesTotal
      if (!isLast && now() - rowsAt < ROWS_EVERY_MS[manner]) return
      rowsAt = now()
    }
    if (json) return write(`${JSON.stringify(event)}\n`)
    const line = renderEvent(event)
    // A line that is not yet over is written again over itself.
    if (!isTerminal) return write(`${line}\n`)
    const isOpen =
      event.type === 'rows' || event.type === 'waiting' || (event.type === 'step' && event.state === 'started')
    write(`\r\u001B[K${line}${isOpen ? '' : '\n'}`)
  }
}

export function renderEvent(event: AdoptEvent): string {
  if (event.type === 'resumed') return `Going on where it stopped: ${event.finished} of ${event.of} steps are done.`
  if (event.type === 'waiting') return `  waiting for ${event.for}`
  if (event.type === 'step') {
    const place = `${String(event.position).padStart(String(event.of).length)}/${event.of}`
    const took = event.state === 'started' ? ' …' : `: ${event.state}, ${renderDuration(event.tookMs)}`
    return `${place} ${event.table}: ${event.name}${took}`
  }
  const share = event.pagesTotal === 0 ? 1 : event.pagesDone / event.pagesTotal
  const filled = Math.round(share * BAR_WIDTH)
  const left = event.leftMs === null ? '' : `, ${renderDuration(event.leftMs)} left`
  return `  [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} %  ${event.table}: ${event.rowsDone} rows, ${event.rowsPerSecond}/s${left}`
}
