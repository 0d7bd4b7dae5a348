// Progress: a bar that moves on a terminal, a line a step elsewhere, JSON lines for programs.
import type { AdoptEvent } from '@rowhouse/database'
import { renderBar } from '../../output/bar.ts'
import { isLive, makeLiveLine, oneLine } from '../../output/live-line.ts'
import type { ProgressOutput } from '../../output/progress-output.ts'
import { renderDuration } from '../../output/moment.ts'

/** Between two reports of rows. */
const ROWS_EVERY_MS = { bar: 100, lines: 10_000, json: 1000 } as const
/** Of a line in a file: nothing is cut there. */
const FILE_WIDTH = 1000

export interface Progress {
  readonly report: (event: AdoptEvent) => void
  /** Before anybody else writes to the terminal. */
  readonly leave: () => void
}

export function makeProgress({ json, output, environment, now = () => performance.now() }: ProgressOutput): Progress {
  const live = !json && isLive(output, environment) ? makeLiveLine(output) : null
  const everyMs = ROWS_EVERY_MS[json ? 'json' : live === null ? 'lines' : 'bar']
  let rowsAt = Number.NEGATIVE_INFINITY
  return {
    report(event) {
      if (event.type === 'rows') {
        const isLast = event.pagesDone >= event.pagesTotal
        if (!isLast && now() - rowsAt < everyMs) return
        rowsAt = now()
      }
      if (json) output.write(`${JSON.stringify(event)}\n`)
      else if (live === null) output.write(`${oneLine(renderEvent(event, FILE_WIDTH))}\n`)
      else if (isOpen(event)) live.show(renderEvent(event, live.width))
      else live.print(renderEvent(event, live.width))
    },
    leave: () => live?.leave(),
  }
}

/** A line that is not yet over is written again over itself. */
const isOpen = (event: AdoptEvent): boolean =>
  event.type === 'rows' || event.type === 'waiting' || (event.type === 'step' && event.state === 'started')

function renderEvent(event: AdoptEvent, width: number): string {
  if (event.type === 'resumed') return `Going on where it stopped: ${event.finished} of ${event.of} steps are done.`
  if (event.type === 'waiting') return `  waiting for ${event.for}`
  if (event.type === 'step') {
    const place = `${String(event.position).padStart(String(event.of).length)}/${event.of}`
    const took = event.state === 'started' ? ' …' : `: ${event.state}, ${renderDuration(event.tookMs)}`
    return `${place} ${event.table}: ${event.name}${took}`
  }
  const left = event.leftMs === null ? '' : `, ${renderDuration(event.leftMs)} left`
  const rows = `${event.table}: ${event.rowsDone} rows`
  const share = event.pagesTotal === 0 ? 1 : event.pagesDone / event.pagesTotal
  return renderBar(share, [`${rows}, ${event.rowsPerSecond}/s${left}`, `${rows}${left}`, rows, event.table], width)
}
