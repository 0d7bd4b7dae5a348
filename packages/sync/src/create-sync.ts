// The engine as the server and the workers see it. It owns one pool of the control login and nothing else;
// the two halves, answering the API and running workers, may live in different processes.
import type { Conflict, DeadLetter } from '@rowhouse/contracts'
import type { Connector, WebhookRequest, WebhookVerdict } from '@rowhouse/connectors'
import { setTimeout as timer } from 'node:timers/promises'
import { Envelope } from '@rowhouse/database'
import type { KeyCacheOptions } from '@rowhouse/database'
import { Pool } from 'pg'
import type { Rowhouse } from 'rowhouse'
import { Apps } from './authorize/apps.ts'
import { Authorize } from './authorize/authorize.ts'
import { Requests } from './authorize/requests.ts'
import { Budgets } from './budget/budgets.ts'
import { Connections } from './connections/connections.ts'
import { Mappings } from './connections/mappings.ts'
import { ConnectionWatch } from './connections/watch.ts'
import type { ConnectionListener } from './connections/watch.ts'
import { redact as removeSecrets } from './credentials/redact.ts'
import type { Redact } from './credentials/redact.ts'
import { openStores } from './credentials/store/open-stores.ts'
import type { StoreOptions } from './credentials/store/open-stores.ts'
import { Vault } from './credentials/vault.ts'
import { listConflicts, listDeadLetters } from './home/records.ts'
import { replayDeadLetter } from './home/replay.ts'
import type { Observe } from './observe/events.ts'
import { publicError } from './observe/public-reason.ts'
import { wakeUnit } from './schedule/units.ts'
import { Worker } from './schedule/worker.ts'
import type { WorkerOptions } from './schedule/worker.ts'
import { receiveWebhook } from './webhooks/receive.ts'

export interface SyncOptions {
  readonly rowhouse: Rowhouse
  /** URL of the login rowhouse_control. */
  readonly controlUrl: string
  /** At least 32 characters; wraps the data keys that credentials are sealed with. */
  readonly encryptionKey: string
  /** The encryption key before this one, while it is being changed. @default none */
  readonly previousEncryptionKey?: string | null | undefined
  /** Where credentials rest. @default in the database */
  readonly credentialStore?: StoreOptions | undefined
  /** How many unwrapped data keys are kept in memory, and how long. */
  readonly keyCache?: KeyCacheOptions
  readonly connectors: ReadonlyMap<string, Connector>
  /** Told everything the engine does. @default nobody */
  readonly observe?: Observe
  /** Takes secrets out of providers' errors; only a test that shows what it prevents gives another. */
  readonly redact?: Redact
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
  /** A call that takes longer counts as unanswered. It must be shorter than a lease. @default 10000 */
  readonly callTimeoutMs?: number
  /** Polls are never closer together than this, whatever the quota allows. @default 1000 */
  readonly shortestPollMs?: number
  /** How rare polls become while an event stream tells of changes. @default 900000, a quarter of an hour */
  readonly slowestPollMs?: number
  /** How often subscribers' changes are looked for. @default 500 */
  readonly watchMs?: number
}

/** Who reads: a person, whose membership the database checks, or an operator, whose reason it keeps. */
export type Acting = { readonly userId: string } | { readonly operator: string; readonly reason: string }

export interface Sync {
  readonly connections: Connections
  /** What accounts have, and what of it is synced. */
  readonly mappings: Mappings
  /** The OAuth apps that the product is registered as. */
  readonly apps: Apps
  /** Connecting on the provider's own page. */
  readonly authorize: Authorize
  readonly webhooks: {
    /** Marks what a verified webhook names as due. @throws RowhouseError connection_not_found */
    receive(connectorId: string, connectionId: string, request: WebhookRequest): Promise<WebhookVerdict>
  }
  readonly deadLetters: {
    /** Sealed as whoever asks. @throws RowhouseError not_a_member */
    list(organizationId: string, acting: Acting): Promise<DeadLetter[]>
    /** @throws RowhouseError dead_letter_not_found */
    replay(organizationId: string, id: string): Promise<void>
  }
  readonly conflicts: {
    /** Sealed as whoever asks. @throws RowhouseError not_a_member */
    list(organizationId: string, acting: Acting): Promise<Conflict[]>
  }
  readonly worker: {
    /** Begins to work in this process, for all organizations. @throws RowhouseError invalid_option */
    start(options?: WorkerOptions): void
    stop(): Promise<void>
  }
  readonly events: {
    /** Connections whose state or health changed, in any process. Returns the way to stop. */
    subscribe(listener: ConnectionListener): () => void
  }
  close(): Promise<void>
}

const POOL_MAX = 10
const OPERATOR = { operator: 'rowhouse', reason: 'sync administration' } as const

/**
 * Makes the sync engine.
 *
 * @throws RowhouseError encryption_key_too_short, invalid_option
 * @example
 * const sync = createSync({ rowhouse, controlUrl, encryptionKey, connectors })
 * sync.worker.start()
 */
export function createSync(options: SyncOptions): Sync {
  const { connectors, rowhouse, now = Date.now, observe = () => {}, watchMs = 500, redact = removeSecrets } = options
  const envelope = new Envelope({ ...options, cache: options.keyCache ?? {} })
  const pool = new Pool({ connectionString: options.controlUrl, max: POOL_MAX })
  // An idle connection that breaks is replaced by the next query; without a listener it would end the process.
  pool.on('error', () => {})
  const stores = openStores(options.credentialStore ?? {}, options.controlUrl)
  const apps = new Apps(pool, envelope)
  const vault = new Vault({
    pool,
    envelope,
    stores,
    findApp: (connector, database) => apps.find(connector, database),
    redact,
  })
  const budgets = new Budgets(pool, now)
  const wait = async (durationMs: number): Promise<void> => {
    await timer(durationMs)
  }
  const elapsed = (): number => performance.now()
  let worker: Worker | null = null
  const nudge = (): void => worker?.nudge()
  const callTimeoutMs = options.callTimeoutMs ?? 10_000
  const shortestPollMs = options.shortestPollMs ?? 1000
  const slowestPollMs = options.slowestPollMs ?? 900_000
  const paces = { callTimeoutMs, shortestPollMs, slowestPollMs }
  const shared = { pool, rowhouse, connectors, budgets, vault, stores, observe, redact, now, elapsed, wait, ...paces }
  const connections = new Connections({ ...shared, onChange: nudge })
  const requests = new Requests(pool, envelope)
  const watch = new ConnectionWatch(
    pool,
    (stored) => connections.detail(stored),
    watchMs,
    (error) => observe({ type: 'worker_failed', ...publicError(error) }),
  )
  return {
    connections,
    mappings: new Mappings({ ...shared, connections, onChange: nudge }),
    apps,
    authorize: new Authorize({ connectors, connections, apps, requests }),
    webhooks: {
      receive: (connectorId, connectionId, request) =>
        receiveWebhook({ ...shared, onDue: nudge }, connectorId, connectionId, request),
    },
    deadLetters: {
      list: (organizationId, acting) => listDeadLetters(rowhouse.as({ organizationId, ...acting })),
      async replay(organizationId, id) {
        const replayed = await replayDeadLetter(rowhouse.as({ organizationId, ...OPERATOR }), id)
        await wakeUnit(pool, replayed.connectionId, replayed.direction)
        nudge()
      },
    },
    conflicts: { list: (organizationId, acting) => listConflicts(rowhouse.as({ organizationId, ...acting })) },
    worker: {
      start(workerOptions = {}) {
        if (worker !== null) return
        worker = new Worker({ ...shared, random: Math.random }, options.controlUrl, workerOptions)
        worker.start()
      },
      async stop() {
        const running = worker
        worker = null
        await running?.stop()
      },
    },
    events: { subscribe: (listener) => watch.subscribe(listener) },
    async close() {
      watch.close()
      const running = worker
      worker = null
      await running?.stop()
      await stores.close()
      await pool.end()
      envelope.close()
    },
  }
}
