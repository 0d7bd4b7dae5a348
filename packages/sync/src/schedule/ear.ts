// Hears, on a connection of its own, that somebody committed work for the engine. What it hears is only a reason to ask, and
// whoever hears nothing still asks, more often: behind a transaction pooler a LISTEN is nobody's, and a connection can be
// dead without a word. So it is believed only as long as what is said from another connection arrives.
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'

import { Client } from 'pg'
import type { Pool } from 'pg'

export const CHANNEL = 'rowhouse_sync'

export interface EarOptions {
  readonly url: string
  /** Any other connections to the same database. */
  readonly pool: Pool
  /** Somebody has work, or may have had while nothing was heard. */
  readonly onWork: () => void
  /** It is believed from now on. */
  readonly onHearing: () => void
}

/** How often it is made sure that something said is heard. */
const PROBE_EVERY_MS = 15_000
const PROBE_TIMEOUT_MS = 2000
const RECONNECT_MS = 1000

export class Ear {
  readonly #options: EarOptions
  readonly #stop = new AbortController()
  readonly #probe = randomUUID()
  #heard: (() => void) | null = null
  #isHearing = false
  #loop: Promise<void> = Promise.resolve()

  constructor(options: EarOptions) {
    this.#options = options
  }

  /** Whether what is committed now will be heard. */
  get isHearing(): boolean {
    return this.#isHearing
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#heard?.()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#listen()
      this.#isHearing = false
      // What was said while the connection broke was said to nobody.
      this.#options.onWork()
      await this.#pause(RECONNECT_MS)
    }
  }

  /** Until the connection is of no use any more. */
  async #listen(): Promise<void> {
    const { signal } = this.#stop
    const client = new Client({
      connectionString: this.#options.url,
      keepAlive: true,
      application_name: 'rowhouse sync ear',
    })
    const broken = new AbortController()
    const end = (): void => broken.abort()
    client.on('error', end)
    client.on('end', end)
    signal.addEventListener('abort', end)
    client.on('notification', ({ channel, payload }) => {
      if (channel !== CHANNEL) return
      if (payload === this.#probe) this.#heard?.()
      else this.#options.onWork()
    })
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
      const { rows } = await client.query<{ prepares: boolean }>(
        `select current_setting('max_prepared_transactions') <> '0' as prepares`,
      )
      // There nobody tells anything, see rowhouse.notify_sync().
      if (rows[0]?.prepares !== false) return await this.#pause(PROBE_EVERY_MS)
      while (!broken.signal.aborted && (await this.#isHeard())) {
        if (!this.#isHearing) await this.#beTold()
        await this.#pause(PROBE_EVERY_MS, broken.signal)
      }
    } catch {
      // Not reachable, or not allowed: asking goes on, and so does trying.
    } finally {
      signal.removeEventListener('abort', end)
      // A pooler may give the server's connection to somebody else: it must not go on listening.
      await client.query('unlisten *').catch(() => {})
      await client.end().catch(() => {})
    }
  }

  /** From now on writers tell; whoever is busy may say otherwise for a moment. */
  async #beTold(): Promise<void> {
    await this.#options.pool.query(
      `update rowhouse.sync_attention set quiet_until = '-infinity' where quiet_until = 'infinity'`,
    )
    this.#isHearing = true
    this.#options.onHearing()
    // Whatever was committed before that was not told.
    this.#options.onWork()
  }

  async #isHeard(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS)
    this.#heard = () => resolve(!this.#stop.signal.aborted)
    try {
      await this.#options.pool.query('select pg_catalog.pg_notify($1, $2)', [CHANNEL, this.#probe])
      return await promise
    } finally {
      clearTimeout(timer)
      this.#heard = null
    }
  }

  async #pause(durationMs: number, signal: AbortSignal = this.#stop.signal): Promise<void> {
    await wait(durationMs, undefined, { signal, ref: false }).catch(() => {})
  }
}
