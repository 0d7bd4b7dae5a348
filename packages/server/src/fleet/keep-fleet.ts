// The worker's share of the fleet: homes that were begun are finished, those that were left are locked
// and go after their time, warm homes are kept at their number, clusters are looked
// at. Any number of workers may do it; each home is held by one of them.
import type { Fleet } from '@rowhouse/fleet'

const EVERY_MS = 5_000
const CHECK_EVERY_MS = 30_000

export interface FleetKeeper {
  /** Ends after what is under way. */
  stop(): Promise<void>
}

/** Begins at once and goes on until it is stopped. */
export function keepFleet(
  fleet: Pick<Fleet, 'reconcile' | 'keepLimits' | 'keepRetired' | 'keepSpares' | 'clusters'>,
  onError: (error: unknown) => void,
  everyMs: number = EVERY_MS,
): FleetKeeper {
  const ending = new AbortController()
  let checkedAtMs = 0
  let wake: () => void = () => {}
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, everyMs)
      timer.unref()
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const pass = async (): Promise<void> => {
    if (performance.now() - checkedAtMs >= CHECK_EVERY_MS || checkedAtMs === 0) {
      await fleet.clusters.checkAll()
      checkedAtMs = performance.now()
    }
    await fleet.reconcile()
    await fleet.keepLimits()
    await fleet.keepRetired()
    await fleet.keepSpares()
  }
  const running = (async () => {
    while (!ending.signal.aborted) {
      await pass().catch(onError)
      if (!ending.signal.aborted) await rest()
    }
  })()
  return {
    stop: () => {
      ending.abort()
      wake()
      return running
    },
  }
}
