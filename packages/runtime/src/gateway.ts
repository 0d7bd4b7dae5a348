// The way to one database: its pool, and the identity that tokens for it are made with. Every connection passes the
// handshake before the pool sees it. It runs sealed batches; what a statement may be is decided above it.
import { RowhouseError } from '@rowhouse/contracts'

import { Connection } from './connection/connection.ts'
import type { Step } from './connection/connection.ts'
import { Pool } from './connection/pool.ts'
import { loadDriver } from './driver.ts'
import type { Driver } from './driver.ts'
import { shakeHands } from './handshake.ts'
import type { Identity } from './handshake.ts'
import type { ResolvedOptions } from './options.ts'
import { fromConnect } from './postgres-error.ts'
import type { TokenSource } from './token.ts'

const ENTER = 'select rowhouse.enter($1)'
const ENTER_WITH_SETTINGS = 'select rowhouse.enter_with_settings($1, $2)'

// token_malformed: a clock that was set forward makes tokens that seem to live too long.
const staleIdentity: ReadonlySet<string> = new Set([
  'token_expired',
  'token_malformed',
  'token_wrong_database',
  'token_invalid',
])

/** A refusal that a fresh look at the database's time and keys can cure. */
export function isStaleIdentity(refusal: RowhouseError): boolean {
  return staleIdentity.has(refusal.code)
}

export class Gateway {
  readonly pool: Pool<Connection>
  readonly #options: ResolvedOptions
  #driver: Driver | null = null
  #identity: Identity | null = null

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.pool = new Pool(options.pool, () => this.#open())
  }

  /** The step that seals a transaction, with a token on database time. A connection must have been taken first. */
  enter(source: TokenSource): Step {
    const identity = this.#identity
    if (identity === null) throw new RowhouseError('internal', 'A connection was used before its handshake.')
    const token = source.token(identity, this.#options.now() + identity.offsetMs)
    const { settings } = this.#options
    if (settings.length === 0) return { text: ENTER, values: [token] }
    return { text: ENTER_WITH_SETTINGS, values: [token, settings] }
  }

  /**
   * Reads the database's identity and time anew, after it refused a token: the machine's clock was set, the keys were
   * rotated, or another database answers under the same name.
   */
  async refresh(connection: Connection): Promise<void> {
    this.#identity = await shakeHands(connection.client, this.#options.signingKey, this.#options.now)
  }

  async #open(): Promise<Connection> {
    this.#driver ??= await loadDriver()
    const { url, pool, preparedStatements, signingKey, now } = this.#options
    const client = this.#driver.connect({
      connectionString: url,
      application_name: 'rowhouse',
      connectionTimeoutMillis: pool.connectTimeoutMs,
      keepAlive: true,
      ...(pool.statementTimeoutMs > 0 && { statement_timeout: pool.statementTimeoutMs }),
    })
    // Without a listener an error that comes between two queries would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      this.#identity = await shakeHands(client, signingKey, now)
    } catch (error) {
      client.connection.stream.destroy()
      throw fromConnect(error)
    }
    return new Connection(client, this.#driver, preparedStatements)
  }
}
