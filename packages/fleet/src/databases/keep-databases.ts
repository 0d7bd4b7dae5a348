// Looks after every database outside the catalogue, in every process of the control plane at once:
// rowhouse.take_data_database() gives each to one of them. So many at a time, and of one server so few, that a server which
// does not answer holds up itself alone.
import type { DatabaseOutcome, DueDatabase } from './keep-database.ts'
import { keepDatabase } from './keep-database.ts'
import type { Catalogue } from '../copies/carry-copy.ts'
import type { Reach } from './connection-to.ts'

const EVERY_MS = 5_000
/** Databases at the same time, of one process. */
const AT_ONCE = 8
/** Of one cluster. */
const AT_ONCE_CLUSTER = 2
/** How often a database is looked after. */
const AGAIN_MS = 300_000

const TAKE = `
select cluster, host, port, tls, tls_ca as "tlsCa", database_name as "databaseName", sealed_until as "sealedUntil", unsealed, prunes,
  reports_revision as "reportsRevision"
from rowhouse.take_data_database($1)`

export interface DatabaseKeeperOptions extends Reach {
  readonly catalogue: Catalogue
  /** @param where what failed, such as `audit seal of <organization>` or `database h_… of eu` */
  readonly onError: (where: string, error: unknown) => void
  /** Pause between looks for what is due. @default 5000 */
  readonly everyMs?: number
  /** Pause between two looks after the same database. @default 300_000 */
  readonly againMs?: number
}

export interface DatabaseCounts {
  readonly seals: number
  readonly prunedLines: number
  readonly sealFailures: number
  readonly pruneFailures: number
  /** Databases that were looked after, and those that failed as a whole. */
  readonly databases: number
  readonly databaseFailures: number
}

export interface DatabaseKeeper {
  readonly counts: DatabaseCounts
  /** Ends after what is under way. */
  stop(): Promise<void>
}

/** Begins at once and goes on until it is stopped. */
export function keepDatabases(options: DatabaseKeeperOptions): DatabaseKeeper {
  const { catalogue, onError, everyMs = EVERY_MS, againMs = AGAIN_MS } = options
  const counts = { seals: 0, prunedLines: 0, sealFailures: 0, pruneFailures: 0, databases: 0, databaseFailures: 0 }
  const underWay = new Map<string, number>()
  const working = new Set<Promise<void>>()
  let looking: Promise<void> | null = null
  let isStopped = false

  const take = async (): Promise<DueDatabase | null> => {
    const busy = [...underWay].filter(([, count]) => count >= AT_ONCE_CLUSTER).map(([cluster]) => cluster)
    const { rows } = await catalogue.query(TAKE, [busy])
    return (rows[0] as DueDatabase | undefined) ?? null
  }
  const count = (cluster: string, by: number): void => {
    underWay.set(cluster, (underWay.get(cluster) ?? 0) + by)
  }
  const settle = async (due: DueDatabase, outcome: DatabaseOutcome): Promise<void> => {
    await catalogue.query(
      `select rowhouse.settle_data_database($1, $2, $3, $4, $5, $6, $7, $8, $9 * interval '1 ms')`,
      [
        due.cluster,
        due.databaseName,
        outcome.error?.code ?? null,
        outcome.isServerDown,
        outcome.sealedUntil,
        outcome.unsealed,
        outcome.pruned,
        outcome.reportsRevision,
        againMs,
      ],
    )
  }
  const keep = async (due: DueDatabase): Promise<void> => {
    const outcome = await keepDatabase(due, {
      catalogue,
      reach: options,
      isStopped: () => isStopped,
      onFailure: (work, organizationId, error) => {
        counts[`${work}Failures`] += 1
        onError(`audit ${work} of ${organizationId}`, error)
      },
    })
    counts.databases += 1
    counts.seals += outcome.seals
    counts.prunedLines += outcome.prunedLines
    if (outcome.error !== null) {
      counts.databaseFailures += 1
      onError(`database ${due.databaseName} of ${due.cluster}`, outcome.error)
    }
    await settle(due, outcome)
  }
  /** Takes up what is due until it is busy enough, and again when something has ended. */
  const fill = async (): Promise<void> => {
    if (working.size >= AT_ONCE) return
    for (let due = await take(); due !== null; due = await take()) {
      const { cluster } = due
      count(cluster, 1)
      const work = keep(due)
        .catch((error: unknown) => onError('databases', error))
        .finally(() => {
          working.delete(work)
          count(cluster, -1)
          look()
        })
      working.add(work)
      if (isStopped || working.size >= AT_ONCE) return
    }
  }
  const look = (): void => {
    if (isStopped || looking !== null) return
    looking = fill()
      .catch((error: unknown) => onError('databases', error))
      .finally(() => (looking = null))
  }
  const tick = (): void => {
    catalogue.query('select rowhouse.note_data_databases()').then(look, (error: unknown) => onError('databases', error))
  }
  tick()
  const timer = setInterval(tick, everyMs)
  timer.unref()
  return {
    counts,
    stop: async () => {
      isStopped = true
      clearInterval(timer)
      await looking
      await Promise.all(working)
    },
  }
}
