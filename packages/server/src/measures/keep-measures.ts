// Judges what was counted, again and again: alerts open and close, minutes become history, what is old goes. Every process
// of the control plane asks; the database lets one at a time do it.
import type { Catalogue } from '../catalogue/catalogue.ts'

const EVERY_MS = 15_000

export interface AlertChange {
  readonly alertId: string
  readonly organizationId: string
  readonly change: 'opened' | 'closed'
  readonly fingerprint: string
  readonly factor: number
}

/** Looks at once and then again and again, until it is stopped. */
export function keepMeasures(
  catalogue: Pick<Catalogue, 'query'>,
  onChange: (change: AlertChange) => void,
  onError: (error: unknown) => void,
  everyMs: number = EVERY_MS,
): { stop(): Promise<void> } {
  const look = async (): Promise<void> => {
    const changes = await catalogue.query<AlertChange & Record<string, unknown>>(
      `select alert_id as "alertId", organization_id as "organizationId", change, fingerprint, factor
       from rowhouse.judge_measures()`,
    )
    for (const change of changes) onChange(change)
  }
  let running: Promise<void> = look().catch(onError)
  const timer = setInterval(() => {
    running = running.then(look).catch(onError)
  }, everyMs)
  timer.unref()
  return {
    stop: () => {
      clearInterval(timer)
      return running
    },
  }
}
