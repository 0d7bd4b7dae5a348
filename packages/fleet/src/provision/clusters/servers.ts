// Connections to the servers that homes are on: as the administrator, whose URL rests sealed in the catalogue, and as
// rowhouse_migrator, whose password follows from the signing key. A server that is not on this machine is reached over TLS
// with a certificate that is valid and names it, or not at all.
import { isIP } from 'node:net'
import { DatabaseError, Pool } from 'pg'
import type { ClientBase, PoolClient, PoolConfig } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { clusterPlace, connectionError, loginUrl } from '@rowhouse/database'
import type { Envelope } from '@rowhouse/database'

import type { Cluster } from './cluster.ts'

const CONNECT_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 30_000
/** Of one login to one database; work on homes is a few statements each. */
const CONNECTIONS_MAX = 4
/**
 * Where work on a whole server is done: every server has it, and advisory locks count for one database only, so that all who
 * work on a server must meet in the same one.
 */
export const MAINTENANCE_DATABASE = 'postgres'
/** Pools that are kept open: of the databases that many homes share, not of each home. */
const POOLS_MAX = 32

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('/') || (isIP(host) === 4 && host.startsWith('127.'))
}

/** TLS as pg takes it. Of a URL's own sslmode nothing is believed. */
export function tlsOf(
  { tls, tlsCa }: Pick<Cluster, 'tls' | 'tlsCa'>,
  host: string,
): Exclude<PoolConfig['ssl'], undefined> {
  if (tls === 'off') return false
  // With `host` a certificate is held against an address too; pg gives the name of the server only where it is a name.
  return { rejectUnauthorized: true, host, ...(tlsCa !== null && { ca: tlsCa }) }
}

/** As pg and the installer take it. */
export interface Way {
  readonly connectionString: string
  readonly ssl?: PoolConfig['ssl']
}

export interface ServersOptions {
  readonly catalogue: Pool
  /** The catalogue's own server as an administrator: what `main` is reached by while its row has no URL. */
  readonly catalogueUrl: string
  readonly signingKey: string
  /** Opens and seals administrators' URLs; null: only the catalogue's server can be worked on. */
  readonly envelope: Envelope | null
}

export class Servers {
  readonly #options: ServersOptions
  readonly #pools = new Map<string, Pool>()

  constructor(options: ServersOptions) {
    this.#options = options
  }

  /**
   * The administrator's URL of a cluster; its path names the database that shared and schema homes are in.
   *
   * @throws RowhouseError cluster_credentials_missing, credentials_unreadable
   */
  async adminUrl(cluster: Cluster): Promise<string> {
    const { envelope, catalogue, catalogueUrl } = this.#options
    if (cluster.adminSealed !== null && envelope !== null) {
      return envelope.open(catalogue, clusterPlace(cluster.id), cluster.adminSealed)
    }
    if (this.#isCatalogues(cluster)) return catalogueUrl
    throw new RowhouseError(
      'cluster_credentials_missing',
      `Nothing here can log in to the cluster ${cluster.id} as its administrator.`,
      { details: { cluster: cluster.id } },
    )
  }

  /**
   * Seals an administrator's URL for the row of a cluster, in the transaction that writes it.
   *
   * @throws RowhouseError encryption_key_missing
   */
  async seal(
    client: PoolClient,
    cluster: string,
    url: string,
  ): Promise<{ readonly value: string; readonly keyId: string }> {
    const { envelope } = this.#options
    if (envelope === null) throw new RowhouseError('encryption_key_missing')
    const { organizationId, connectionId, field } = clusterPlace(cluster)
    const sealer = await envelope.sealer(client, organizationId, connectionId)
    return { value: sealer.seal(field, url), keyId: sealer.keyId }
  }

  /** Whether a server is reached as the catalogue's URL says: nobody registered another way, or nobody here can read it. */
  #isCatalogues({ host, adminSealed }: Cluster): boolean {
    return host === null && (adminSealed === null || this.#options.envelope === null)
  }

  /**
   * How the way to a server is encrypted that somebody registered; null where the catalogue's URL alone says it.
   *
   * @param adminUrl of the cluster: the row of the catalogue's server has no address, so there the sealed URL keeps it
   */
  registeredTls(cluster: Cluster, adminUrl: string): Pick<Cluster, 'tls' | 'tlsCa'> | null {
    if (this.#isCatalogues(cluster)) return null
    const { host, tls, tlsCa } = cluster
    if (host !== null) return { tls, tlsCa }
    return { tls: new URL(adminUrl).searchParams.get('sslmode') === 'verify-full' ? 'verify-full' : 'off', tlsCa }
  }

  /**
   * The way to a server, for whoever connects. The catalogue's own URL is the operator's to choose, and says of encryption
   * what it says. Any other was checked when it was given: of its query nothing is left, and what was registered holds.
   *
   * @param database null: the one that the administrator's URL names
   */
  async #way(cluster: Cluster, database: string | null, login: 'admin' | Parameters<typeof loginUrl>[1]): Promise<Way> {
    const url = new URL(await this.adminUrl(cluster))
    if (database !== null) url.pathname = `/${encodeURIComponent(database)}`
    const tls = this.registeredTls(cluster, url.href)
    if (tls !== null) url.search = ''
    const { href } = url
    const connectionString = login === 'admin' ? href : loginUrl(href, login, this.#options.signingKey)
    return { connectionString, ...(tls !== null && { ssl: tlsOf(tls, hostOf(url)) }) }
  }

  /** The database that shared and schema homes of a cluster are in; null for the catalogue's own. */
  async dataDatabase(cluster: Cluster): Promise<string | null> {
    if (cluster.host === null) return null
    return decodeURIComponent(new URL(await this.adminUrl(cluster)).pathname.slice(1))
  }

  /**
   * Runs `use` on a connection as the administrator, outside a transaction. `keep` holds the connection for the next one:
   * for databases that many homes share.
   *
   * @throws RowhouseError database_unreachable, database_login_refused, and what adminUrl throws
   */
  asAdmin<Result>(
    cluster: Cluster,
    database: string | null,
    use: (client: ClientBase) => Promise<Result>,
    { keep = true }: { readonly keep?: boolean } = {},
  ): Promise<Result> {
    return this.#run(cluster, database, 'admin', keep, use)
  }

  /** The same as rowhouse_migrator, whom row security does not hold. */
  asMigrator<Result>(
    cluster: Cluster,
    database: string | null,
    use: (client: ClientBase) => Promise<Result>,
    { keep = true }: { readonly keep?: boolean } = {},
  ): Promise<Result> {
    return this.#run(cluster, database, 'rowhouse_migrator', keep, use)
  }

  /** How the installer reaches a database as the administrator. */
  adminConfig(cluster: Cluster, database: string): Promise<Way> {
    return this.#way(cluster, database, 'admin')
  }

  /** How to reach a server as one of the logins that follow from the signing key. */
  async configFor(
    cluster: Cluster,
    database: string | null,
    login: Parameters<typeof loginUrl>[1],
  ): Promise<PoolConfig> {
    return { ...(await this.#way(cluster, database, login)), connectionTimeoutMillis: CONNECT_TIMEOUT_MS }
  }

  async #run<Result>(
    cluster: Cluster,
    database: string | null,
    login: 'admin' | 'rowhouse_migrator',
    keep: boolean,
    use: (client: ClientBase) => Promise<Result>,
  ): Promise<Result> {
    const way = await this.#way(cluster, database, login)
    const pool = keep ? this.#pool(way) : this.#open(way, 1)
    try {
      const client = await pool.connect().catch((error: unknown) => {
        throw connectionError(error, way.connectionString)
      })
      // Told of a connection that broke only by this event where no query is running; the next query says it again.
      const ignore = (): void => {}
      client.on('error', ignore)
      let failed = true
      try {
        const result = await use(client)
        failed = false
        return result
      } catch (error) {
        throw login === 'admin' ? tooWeak(error, cluster, new URL(way.connectionString)) : error
      } finally {
        client.off('error', ignore)
        // What failed may have left a transaction, a lock or a setting.
        client.release(failed)
      }
    } finally {
      if (!keep) await pool.end()
    }
  }

  /** By all of the way: another authority is another pool, so that nobody goes on by what was trusted before. */
  #pool(way: Way): Pool {
    const key = JSON.stringify(way)
    const known = this.#pools.get(key)
    if (known !== undefined) return known
    const pool = this.#open(way, CONNECTIONS_MAX)
    this.#pools.set(key, pool)
    for (const [other, oldest] of this.#pools) {
      if (this.#pools.size <= POOLS_MAX) break
      this.#pools.delete(other)
      void oldest.end()
    }
    return pool
  }

  #open(way: Way, max: number): Pool {
    const pool = new Pool({
      ...way,
      max,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: 'rowhouse fleet',
    })
    pool.on('error', () => {})
    return pool
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.end()))
  }
}

/** What the administrator may not do, said so that it can be mended. */
function tooWeak(error: unknown, { id }: Cluster, url: URL): unknown {
  if (!(error instanceof DatabaseError) || error.code !== '42501') return error
  return new RowhouseError(
    'cluster_login_too_weak',
    `The login ${decodeURIComponent(url.username)} cannot make homes on the cluster ${id}: ${error.message}.`,
    {
      details: { cluster: id, login: decodeURIComponent(url.username) },
      hint: `Name one that can make roles and databases: rowhouse cluster set ${id} --url …`,
      cause: error,
    },
  )
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '') || (url.searchParams.get('host') ?? '')
