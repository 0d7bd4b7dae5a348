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

/** Begins at once and goes on until it is stopped. Clusters are looked at beside the rest: one that is mute takes its time. */
export function keepFleet(
  fleet: Pick<Fleet, 'reconcile' | 'keepLimits' | 'keepRetired' | 'keepSpares' | 'clusters'>,
  onError: (error: unknown) => void,
  everyMs: number = EVERY_MS,
): FleetKeeper {
  const ending = new AbortController()
  let checkedAtMs: number | null = null
  let checking: Promise<void> | null = null
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
  const check = (): void => {
    if (checking !== null || (checkedAtMs !== null && performance.now() - checkedAtMs < CHECK_EVERY_MS)) return
    checking = fleet.clusters
      .checkAll()
      .then(() => undefined, onError)
      .finally(() => {
        checkedAtMs = performance.now()
        checking = null
      })
  }
  const pass = async (): Promise<void> => {
    check()
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
    stop: async () => {
      ending.abort()
      wake()
      await running
      await checking
    },
  }
}
