// Keeps the change log in months that are made before they begin. Every process of the control plane does it, one at a
// time by a lock in the database; when none runs, no write fails: see 0402_change_log_partitions.sql.
import type { Catalogue } from './catalogue.ts'

const EVERY_MS = 600_000

/** Looks at once and then again and again, until it is stopped. */
export function keepLogMonths(
  catalogue: Pick<Catalogue, 'query'>,
  onError: (error: unknown) => void,
  everyMs: number = EVERY_MS,
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()
  const look = (): void => {
    running = running
      .then(() => catalogue.query('select from rowhouse.maintain_change_log()'))
      .then(() => undefined, onError)
  }
  look()
  const timer = setInterval(look, everyMs)
  timer.unref()
  return {
    stop: () => {
      clearInterval(timer)
      return running
    },
  }
}
