// How far a verification is: a line that moves on a terminal, a line now and then elsewhere, JSON lines for programs.
import type { AttackProgress } from '@rowhouse/verify'
import { isLive, makeLiveLine } from '../output/live-line.ts'
import type { ProgressOutput } from '../output/progress-output.ts'

export type VerifyEvent =
  | { readonly type: 'rules'; readonly done: number; readonly total: number }
  | { readonly type: 'copying'; readonly step: string }
  | ({ readonly type: 'attack' } & AttackProgress)

export interface VerifyProgress {
  readonly report: (event: VerifyEvent) => void
  /** Takes away what is shown, before anybody else writes. */
  readonly end: () => void
}

/** In CI a line now and then is enough to see that it goes on; a program may want to show more. */
const EVERY_MS = { lines: 30_000, json: 1000 } as const

export function makeVerifyProgress({
  json,
  output,
  environment,
  now = () => performance.now(),
}: ProgressOutput): VerifyProgress {
  if (!json && isLive(output, environment)) {
    const live = makeLiveLine(output)
    return { report: (event) => live.show(inWords(event)), end: () => live.show('') }
  }
  const everyMs = EVERY_MS[json ? 'json' : 'lines']
  let nextMs = now() + everyMs
  let phase = ''
  return {
    report(event) {
      const begins = json && event.type === 'attack' && event.phase !== phase
      if (event.type === 'attack') phase = event.phase
      const words = inWords(event)
      // What is quick says nothing; a phase that begins is told at once, and so is the end.
      if (!begins && (words === '' || now() < nextMs)) return
      nextMs = now() + everyMs
      output.write(`${json ? JSON.stringify(event) : words}\n`)
    },
    end: () => {},
  }
}

function inWords(event: VerifyEvent): string {
  if (event.type === 'rules') return `rule ${event.done + 1} of ${event.total}`
  if (event.type === 'copying') return event.step
  const { phase, done, total, findings } = event
  const found = findings === 0 ? '' : `, ${findings} found`
  const words: Readonly<Record<AttackProgress['phase'], string>> = {
    reading: `reading what can be reached${total === 0 ? '' : `: ${done} of ${total}`}`,
    attacking: `probe ${done} of ${total}${found}`,
    shrinking: `making SQL shorter: ${done} of ${findings}`,
    committing: `writing every table once more: ${done} of ${total}${found}`,
    done: '',
  }
  return words[phase]
}
