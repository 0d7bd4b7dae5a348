// Runs rollouts in this process, as rowhouse_migrator, for operators who ask over HTTP. Which migrations there are, the
// server's folder says and nobody else: an operator chooses when, and agrees to what goes for good, but brings no SQL. So
// whoever has the operator key alone cannot run statements of their own in every organization's tables (ADR 20).
import { RowhouseError } from '@rowhouse/contracts'
import {
  confirmationOf,
  describePlan,
  homeConnection,
  nameOfHome,
  planRollout,
  readMigrations,
  rollOut,
} from '@rowhouse/fleet'
import type { DescribedPlan, RolloutPace, TenantMigration } from '@rowhouse/fleet'
import { judgeChange, judgeHomes } from '@rowhouse/verify'

export interface RolloutRunnerOptions {
  /** rowhouse_migrator's, of the catalogue. */
  readonly catalogueUrl: string
  /** Null: nothing is rolled out from here. */
  readonly folder: string | null
  /** Told of what a rollout ended with, other than well; its row says it too. */
  readonly onEnd: (error: unknown) => void
}

export interface RolloutOrder {
  readonly pace: Partial<RolloutPace>
  /** The `confirm` of the plan that was read. */
  readonly confirm: string | null
  /** Looked at before anything begins; what it throws is the answer. */
  readonly check?: (migrations: readonly TenantMigration[]) => void
}

export interface RolloutRunner {
  /** @throws RowhouseError rollout_folder_missing, and as planRollout() and readMigrations() */
  plan(): Promise<DescribedPlan>
  /**
   * Answers when it has begun; then it goes on by itself.
   *
   * @returns its id; null where every home had it all
   * @throws RowhouseError rollout_folder_missing, rollout_running, and what rollOut() refuses with before it begins
   */
  start(order: RolloutOrder): Promise<string | null>
  /** Has it stop between two homes, where it runs here. */
  cancel(rolloutId: string): void
  /** Interrupts what runs here and waits for its end. */
  stop(): Promise<void>
}

const STARTED_BY = 'operator, over HTTP'

interface Running {
  /** Known once it has begun. */
  rolloutId: string | null
  readonly abort: AbortController
  ended: Promise<void>
}

export function createRolloutRunner({ catalogueUrl, folder, onEnd }: RolloutRunnerOptions): RolloutRunner {
  let running: Running | null = null
  let isStopping = false

  const read = (): Promise<TenantMigration[]> => {
    if (folder === null) throw new RowhouseError('rollout_folder_missing')
    return readMigrations(folder)
  }

  const begin = async ({ pace, confirm, check }: RolloutOrder): Promise<string | null> => {
    const migrations = await read()
    check?.(migrations)
    if (isStopping) throw new RowhouseError('server_stopping')
    if (running !== null) {
      throw new RowhouseError('rollout_running', 'A rollout is under way in this server.', {
        details: { rolloutId: running.rolloutId },
      })
    }
    const abort = new AbortController()
    const started = Promise.withResolvers<string | null>()
    const mine: Running = { rolloutId: null, abort, ended: Promise.resolve() }
    running = mine
    mine.ended = rollOut({
      catalogueUrl,
      migrations,
      pace,
      startedBy: STARTED_BY,
      signal: abort.signal,
      verify: (homes) =>
        judgeHomes(homes, { connection: (home) => homeConnection(catalogueUrl, home), nameOf: nameOfHome }),
      judge: judgeChange,
      confirm: ({ migrations: all }) => Promise.resolve(confirm !== null && confirm === confirmationOf(all)),
      onEvent: (event) => {
        if (event.type !== 'started') return
        mine.rolloutId = event.rolloutId
        started.resolve(event.rolloutId)
      },
    })
      .then(
        ({ rolloutId }) => started.resolve(rolloutId),
        (error: unknown) => {
          if (mine.rolloutId !== null) onEnd(error)
          started.reject(error)
        },
      )
      .finally(() => {
        if (running === mine) running = null
      })
    return started.promise
  }

  return {
    async plan() {
      return describePlan(await planRollout({ catalogueUrl, migrations: await read() }))
    },
    start: begin,
    cancel(rolloutId) {
      if (running?.rolloutId === rolloutId) running.abort.abort(new RowhouseError('rollout_cancelled'))
    },
    async stop() {
      isStopping = true
      running?.abort.abort()
      await running?.ended
    },
  }
}
