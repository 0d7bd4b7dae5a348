// Progress of a rollout: a bar that moves on a terminal, a line now and then elsewhere, JSON lines for programs.
import type { RolloutEvent } from '@rowhouse/fleet'
import { renderDuration } from '../../output/moment.ts'

const EVERY_MS = { bar: 100, lines: 10_000, json: 1000 } as const
const BAR_WIDTH = 30

export interface RolloutProgressOutput {
  readonly json: boolean
  readonly isTerminal: boolean
  readonly write: (text: string) => void
  /** @default performance.now */
  readonly now?: () => number
}

export function makeRolloutProgress({
  json,
  isTerminal,
  write,
  now = () => performance.now(),
}: RolloutProgressOutput): (event: RolloutEvent) => void {
  const everyMs = EVERY_MS[json ? 'json' : isTerminal ? 'bar' : 'lines']
  let toldAt = Number.NEGATIVE_INFINITY
  let isOpen = false
  return (event) => {
    if (event.type === 'progress') {
      const isEnd = event.done + event.failed + event.blocked >= event.of
      if (!isEnd && now() - toldAt < everyMs) return
      toldAt = now()
    }
    if (json) return write(`${JSON.stringify(event)}\n`)
    const line = renderRolloutEvent(event)
    if (!isTerminal) return write(`${line}\n`)
    const stays = event.type !== 'progress' && event.type !== 'waiting'
    write(`${isOpen ? '\r\u001B[K' : ''}${line}${stays ? '\n' : ''}`)
    isOpen = !stays
  }
}

export function renderRolloutEvent(event: RolloutEvent): string {
  switch (event.type) {
    case 'started': {
      const waves = event.waves.map(({ name, homes }) => `${name} (${homes})`).join(', ')
      return `${event.isResumed ? 'Going on' : 'Rolling out'}: ${event.homes} homes to ${event.target}; waves: ${waves}`
    }
    case 'wave':
      return `Wave ${event.position} of ${event.of}: ${event.name}, ${event.homes} homes`
    case 'verifying':
      return `Looking at the ${event.homes} homes of the first wave`
    case 'waiting':
      return `  ${event.homes} homes wait for locks, again in ${renderDuration(event.forMs)}: ${event.reason}`
    case 'home': {
      const where =
        event.version === null ? '' : ` at ${event.version}${event.line === null ? '' : `, line ${event.line}`}`
      return `  ${event.state} ${event.name}${where} [${event.code}] ${event.message}`
    }
    case 'progress':
    default: {
      const share = event.of === 0 ? 1 : (event.done + event.failed + event.blocked) / event.of
      const filled = Math.round(share * BAR_WIDTH)
      const left = event.leftMs === null ? '' : `, ${renderDuration(event.leftMs)} left`
      const wrong = event.failed + event.blocked === 0 ? '' : `, ${event.failed} failed, ${event.blocked} blocked`
      return `  [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} %  ${event.done}/${event.of} homes${wrong}, ${event.homesPerSecond}/s${left}`
    }
  }
}
