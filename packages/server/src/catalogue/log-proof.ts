// Seals the change log every few minutes and prunes it once a day, as rowhouse_control, which reads none of it. Every process
// of the control plane does both; a lock of each organization keeps two of them from doing the same. One organization that
// fails holds up no other, and is tried again the next time.
import { pruneOrganization, sealKeyOf, sealOrganization } from '@rowhouse/database'
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
  /** What the organizations were sealed up to: only those that changed since are looked at. */
  let sealedUntil: string | null = null
  let failed: ReadonlySet<string> = new Set()
  let prunedAt = -Infinity

  const each = async (
    organizationIds: Iterable<string>,
    act: (organizationId: string) => Promise<void>,
    onFailure: (organizationId: string, error: unknown) => void,
  ): Promise<void> => {
    for (const organizationId of organizationIds) {
      if (isStopped) return
      await act(organizationId).catch((error: unknown) => onFailure(organizationId, error))
    }
  }

  const seal = async (sealKey: Buffer): Promise<void> => {
    const [changed] = await catalogue.query<{ snapshot: string; ids: string[] }>(
      'select snapshot::text, organization_ids as ids from rowhouse.changed_organizations($1::pg_snapshot)',
      [sealedUntil],
    )
    const again = new Set<string>()
    await each(
      new Set([...failed, ...(changed?.ids ?? [])]),
      async (id) => {
        counts.seals += await catalogue.session((client) => sealOrganization(client, id, sealKey))
      },
      (id, error) => {
        again.add(id)
        counts.sealFailures += 1
        onError(`audit seal of ${id}`, error)
      },
    )
    failed = again
    sealedUntil = changed?.snapshot ?? null
  }

  const prune = async (sealKey: Buffer): Promise<void> => {
    const expired = await catalogue.query<{ id: string }>('select id from rowhouse.organizations_to_prune() id')
    await each(
      expired.map(({ id }) => id),
      async (id) => {
        counts.prunedLines += await catalogue.session((client) => pruneOrganization(client, id, sealKey))
      },
      (id, error) => {
        counts.pruneFailures += 1
        onError(`audit prune of ${id}`, error)
      },
    )
    await catalogue.query('select from rowhouse.drop_empty_log_months()')
  }

  const work = async (): Promise<void> => {
    if (isStopped) return
    let doing: 'seal' | 'prune' = 'seal'
    try {
      key ??= await catalogue.session((client) => sealKeyOf(client, signingKey))
      await seal(key)
      if (performance.now() - prunedAt < pruneEveryMs) return
      doing = 'prune'
      await prune(key)
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
