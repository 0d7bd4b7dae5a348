// Where an organization lives, as rowhouse.placement() answers, and how to connect there. Read and checked here once;
// what is done about it is the router's.
import { isIP } from 'node:net'

import { RowhouseError } from '@rowhouse/contracts'
import { deriveLoginPassword } from '@rowhouse/database'
import type { HomeLogin } from '@rowhouse/database'

import type { PgTarget } from '../driver.ts'

/** What plan and organization bound; absent: not bound. */
export interface Limits {
  /** Connections of one process. */
  readonly connections?: number
  /** Connections of one process that stay open to a home of its own when they are idle. */
  readonly connectionsMin?: number
  /** Transactions at the same time, over all processes; the database counts them. */
  readonly concurrency?: number
  /** How long a query waits for a connection. */
  readonly acquireTimeoutMs?: number
  /** How long a connection to a home of its own rests before it is closed. */
  readonly idleTimeoutMs?: number
  readonly statementTimeoutMs?: number
  readonly idleInTransactionTimeoutMs?: number
}

export interface Placement {
  readonly state: 'placing' | 'active' | 'moving' | 'moved'
  readonly isolation: 'shared' | 'schema' | 'database'
  readonly cluster: string
  /** Null: the server that the catalogue is on. */
  readonly host: string | null
  readonly port: number
  readonly tls: 'verify-full' | 'off'
  /** PEM of the authority that signed the server's certificate; null: those that Node trusts. */
  readonly tls_ca: string | null
  readonly cluster_connections_max: number | null
  /** Null: the catalogue's own database. */
  readonly database_name: string | null
  readonly schema_name: string | null
  /** Null: the login that organizations share. */
  readonly login: HomeLogin | null
  readonly epoch: number
  /** Of the membership; tokens for the home carry it. */
  readonly version: number
  readonly limits: Limits | null
}

/** How to connect. */
export type Way = Pick<Placement, 'cluster' | 'host' | 'port' | 'database_name' | 'login' | 'tls' | 'tls_ca'>

/** One statement for a whole answer, as JSON: how an application has pg read numbers is its own business. */
export const PLACEMENT = 'select to_json(placement)::text as answer from rowhouse.placement($1) as placement'
export const PLACEMENT_CHANGES =
  'select to_json(changes)::text as answer from rowhouse.placement_changes($1, $2) as changes'

/** Whether it lives in the catalogue's shared tables, where nothing has to be found. */
export function isShared({ login, database_name }: Placement): boolean {
  return login === null && database_name === null
}

/** Whether what its home knows of its members is a copy. */
export function isCopied(home: Placement | null): boolean {
  return home !== null && home.database_name !== null
}

/** What tells homes apart: another key is another way. */
export function keyOf({ cluster, host, port, database_name, login, tls, tls_ca }: Way): string {
  return JSON.stringify([cluster, host, port, database_name, login, tls, tls_ca])
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('/') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/**
 * @param catalogueUrl the URL that the application gave, which reaches every database of the catalogue's server
 * @throws RowhouseError tls_required
 */
export function targetOf(placement: Way, catalogueUrl: string, signingKey: string): PgTarget {
  const { host, port, database_name, login, tls, tls_ca, cluster } = placement
  if (host === null) {
    const url = new URL(catalogueUrl)
    if (login !== null) {
      url.username = login
      url.password = deriveLoginPassword(signingKey, login)
    }
    if (database_name !== null) url.pathname = `/${encodeURIComponent(database_name)}`
    return { connectionString: url.href }
  }
  if (tls !== 'verify-full' && !isLoopback(host)) {
    throw new RowhouseError(
      'tls_required',
      `The cluster ${cluster} at ${host} is to be reached without verified TLS.`,
      {
        details: { cluster, host, tls },
      },
    )
  }
  const user = login ?? 'rowhouse_app'
  return {
    host,
    port,
    database: database_name ?? '',
    user,
    password: deriveLoginPassword(signingKey, user),
    // The name to check is said here: where `host` is an address, pg would have the certificate name localhost.
    ssl: tls === 'off' ? false : { rejectUnauthorized: true, host, ...(tls_ca !== null && { ca: tls_ca }) },
  }
}
