// The way to one database as one login, and the identity that tokens for it are made with. Every connection passes the
// handshake before the pool sees it. Which database, and what a statement may be, is decided above it.
import { RowhouseError } from '@rowhouse/contracts'

import { Connection } from './connection/connection.ts'
import type { Step } from './connection/connection.ts'
import type { Door } from './connection/door.ts'
import type { Pool } from './connection/pool.ts'
import { loadDriver } from './driver.ts'
import type { Driver, PgTarget } from './driver.ts'
import { shakeHands } from './handshake.ts'
import type { Identity } from './handshake.ts'
import type { ResolvedOptions } from './options.ts'
import { fromConnect } from './postgres-error.ts'
import type { TokenSource } from './token.ts'

/** The function of the database that lets a transaction in. */
export type Entrance = 'enter' | 'enter_home' | 'enter_catalogue'

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

const texts: Readonly<Record<Entrance, string>> = {
  enter: 'select rowhouse.enter($1)',
  enter_home: 'select rowhouse.enter_home($1)',
  enter_catalogue: 'select rowhouse.enter_catalogue($1)',
}
const textsWithSettings: Readonly<Record<Exclude<Entrance, 'enter_catalogue'>, string>> = {
  enter: 'select rowhouse.enter_with_settings($1, $2)',
  enter_home: 'select rowhouse.enter_home_with_settings($1, $2)',
}

export class Gateway implements Door<Connection> {
  readonly idle: Connection[] = []
  readonly pool: Pool<Connection>
  min?: number
  idleTimeoutMs?: number
  readonly #target: PgTarget
  readonly #options: ResolvedOptions
  #driver: Driver | null = null
  #identity: Identity | null = null

  /** @param pool of the server that the database is on */
  constructor(options: ResolvedOptions, pool: Pool<Connection>, target: PgTarget) {
    this.#options = options
    this.#target = target
    this.pool = pool
  }

  /** Takes over what an organization's limits say of its connections that rest; what they do not say is the pool's. */
  keep(limits: { readonly connectionsMin?: number; readonly idleTimeoutMs?: number } | null): void {
    this.min = limits?.connectionsMin ?? 0
    this.idleTimeoutMs = limits?.idleTimeoutMs ?? this.#options.pool.idleTimeoutMs
  }

  /** What tokens for this database are made with. A connection must have been taken first. */
  get identity(): Identity {
    if (this.#identity !== null) return this.#identity
    throw new RowhouseError('internal', 'A connection was used before its handshake.')
  }

  /** The database's time, in epoch milliseconds. */
  get nowMs(): number {
    return this.#options.now() + this.identity.offsetMs
  }

  /** The step that seals a transaction, with a token on database time. */
  enter(source: TokenSource, entrance: Entrance, version?: number): Step {
    const token = source.token(this.identity, this.nowMs, version)
    const { settings } = this.#options
    if (settings.length === 0 || entrance === 'enter_catalogue') return { text: texts[entrance], values: [token] }
    return { text: textsWithSettings[entrance], values: [token, settings] }
  }

  /**
   * Reads the database's identity and time anew, after it refused a token: the machine's clock was set, the keys were
   * rotated, or another database answers under the same name.
   */
  async refresh(connection: Connection): Promise<void> {
    this.#identity = await shakeHands(connection.client, this.#options.signingKey, this.#options.now)
  }

  /** For the pool. @throws RowhouseError what connecting or the handshake failed with */
  async open(): Promise<Connection> {
    this.#driver ??= await loadDriver()
    const { pool, preparedStatements, signingKey, now } = this.#options
    const client = this.#driver.connect({
      ...this.#target,
      application_name: 'rowhouse',
      connectionTimeoutMillis: pool.connectTimeoutMs,
      keepAlive: true,
      ...(pool.statementTimeoutMs > 0 && { statement_timeout: pool.statementTimeoutMs }),
    })
    // Without a listener an error that comes between two queries would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      // The driver's own bound ends with the login; a server that is gone by then would keep the place in the pool for ever.
      const late = setTimeout(() => client.connection.stream.destroy(), pool.connectTimeoutMs)
      this.#identity = await shakeHands(client, signingKey, now).finally(() => clearTimeout(late))
    } catch (error) {
      client.connection.stream.destroy()
      throw fromConnect(error)
    }
    return new Connection(client, this.#driver, preparedStatements)
  }
}
