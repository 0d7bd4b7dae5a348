// Seals the change log every few minutes and prunes it once a day, as rowhouse_control, which reads none of it. Every process
// of the control plane does both; a lock of each organization keeps two of them from doing the same. One organization that
// fails holds up no other, and is tried again the next time. Of the catalogue's database: databases.ts does it elsewhere.
import { sealKeyOf } from '@rowhouse/database'
import { pruneExpired, sealChanged } from '@rowhouse/fleet'
import type { LogWork, SealedUntil } from '@rowhouse/fleet'
import type { Catalogue } from './catalogue.ts'

const SEAL_EVERY_MS = 300_000
const PRUNE_EVERY_MS = 86_400_000

export interface ProofCounts {
  readonly seals: number
  readonly prunedLines: number
  readonly sealFailures: number
  readonly pruneFailures: number
}

export interface ProofKeeper {
  readonly counts: ProofCounts
  stop(): Promise<void>
}

/**
 * Works at once and then again and again, until it is stopped.
 *
 * @param onError what failed, with the organization where there is one
 */
export function keepLogProven(
  catalogue: Pick<Catalogue, 'query' | 'session'>,
  signingKey: string,
  onError: (where: string, error: unknown) => void,
  { sealEveryMs = SEAL_EVERY_MS, pruneEveryMs = PRUNE_EVERY_MS } = {},
): ProofKeeper {
  const counts = { seals: 0, prunedLines: 0, sealFailures: 0, pruneFailures: 0 }
  let isStopped = false
  let key: Buffer | null = null
  let sealed: SealedUntil = { snapshot: null, unsealed: [] }
  let prunedAt = -Infinity

  const during = (doing: 'seal' | 'prune', key: Buffer): LogWork => ({
    key,
    isStopped: () => isStopped,
    onFailure: (organizationId, error) => {
      counts[`${doing}Failures`] += 1
      onError(`audit ${doing} of ${organizationId}`, error)
    },
  })

  const work = async (): Promise<void> => {
    if (isStopped) return
    let doing: 'seal' | 'prune' = 'seal'
    try {
      key ??= await catalogue.session((client) => sealKeyOf(client, signingKey))
      const { seals, ...until } = await sealChanged(catalogue, sealed, during(doing, key))
      sealed = until
      counts.seals += seals
      if (performance.now() - prunedAt < pruneEveryMs) return
      doing = 'prune'
      counts.prunedLines += await pruneExpired(catalogue, during(doing, key))
      prunedAt = performance.now()
    } catch (error) {
      counts[`${doing}Failures`] += 1
      onError(`audit ${doing}`, error)
    }
  }

  let running: Promise<void> = work()
  const timer = setInterval(() => {
    running = running.then(work)
  }, sealEveryMs)
  timer.unref()
  return {
    counts,
    stop: () => {
      isStopped = true
      clearInterval(timer)
      return running
    },
  }
}
