// Progress of a rollout: a bar that moves on a terminal, a line now and then elsewhere, JSON lines for programs.
import type { RolloutEvent } from '@rowhouse/fleet'
import { renderBar } from '../../output/bar.ts'
import { isLive, makeLiveLine, oneLine } from '../../output/live-line.ts'
import type { ProgressOutput } from '../../output/progress-output.ts'
import { renderDuration } from '../../output/moment.ts'
import { plural } from '../../output/plural.ts'

const EVERY_MS = { bar: 100, lines: 10_000, json: 1000 } as const
/** Of a line in a file: nothing is cut there. */
const FILE_WIDTH = 1000

export interface RolloutProgress {
  readonly report: (event: RolloutEvent) => void
  /** Before anybody else writes to the terminal. */
  readonly leave: () => void
}

export function makeRolloutProgress({
  json,
  output,
  environment,
  now = () => performance.now(),
}: ProgressOutput): RolloutProgress {
  const live = !json && isLive(output, environment) ? makeLiveLine(output) : null
  const everyMs = EVERY_MS[json ? 'json' : live === null ? 'lines' : 'bar']
  let toldAt = Number.NEGATIVE_INFINITY
  let told = ''
  return {
    report(event) {
      if (event.type === 'progress') {
        const { done, failed, blocked, of } = event
        const counts = `${done} ${failed} ${blocked} ${of}`
        // The end is told at once, and not again by who makes sure that it was.
        const isEnd = done + failed + blocked >= of
        if (isEnd ? counts === told : now() - toldAt < everyMs) return
        toldAt = now()
        told = counts
      }
      if (json) output.write(`${JSON.stringify(event)}\n`)
      else if (live === null) output.write(`${oneLine(renderRolloutEvent(event, FILE_WIDTH))}\n`)
      else if (event.type === 'progress' || event.type === 'waiting') live.show(renderRolloutEvent(event, live.width))
      else live.print(renderRolloutEvent(event, live.width))
    },
    leave: () => live?.leave(),
  }
}

function renderRolloutEvent(event: RolloutEvent, width: number): string {
  switch (event.type) {
    case 'started': {
      const waves = event.waves.map(({ name, homes }) => `${name} (${homes})`).join(', ')
      return `${event.isResumed ? 'Going on' : 'Rolling out'}: ${plural(event.homes, 'home')} to ${event.target}; waves: ${waves}`
    }
    case 'wave':
      return `Wave ${event.position} of ${event.of}: ${event.name}, ${plural(event.homes, 'home')}`
    case 'verifying':
      return `Looking at the first wave: ${plural(event.homes, 'home')}`
    case 'waiting':
      return `  ${plural(event.homes, 'home')} ${event.homes === 1 ? 'waits' : 'wait'} for locks, again in ${renderDuration(event.forMs)}: ${event.reason}`
    case 'home': {
      const where =
        event.version === null ? '' : ` at ${event.version}${event.line === null ? '' : `, line ${event.line}`}`
      return `  ${event.state} ${event.name}${where} [${event.code}] ${event.message}`
    }
    case 'progress':
    default: {
      const { done, failed, blocked, of, homesPerSecond, leftMs } = event
      const wrong = `${failed === 0 ? '' : `, ${failed} failed`}${blocked === 0 ? '' : `, ${blocked} blocked`}`
      const counts = `${done}/${of} homes${wrong}`
      const left = leftMs === null ? '' : `, ${renderDuration(leftMs)} left`
      const texts = [`${counts}, ${homesPerSecond}/s${left}`, `${counts}${left}`, counts]
      return renderBar(of === 0 ? 1 : (done + failed + blocked) / of, texts, width)
    }
  }
}
