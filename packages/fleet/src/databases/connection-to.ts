// How a database that organizations live in is reached as one of the logins that follow from the signing key.
import type { ClientConfig } from 'pg'

import { loginUrl } from '@rowhouse/database'

import { tlsOf } from '../provision/clusters/servers.ts'

export interface DatabasePlace {
  /** Null: the server of the catalogue. */
  readonly host: string | null
  readonly port: number
  readonly tls: 'verify-full' | 'off'
  /** PEM; null: the authorities that Node trusts. */
  readonly tlsCa: string | null
  readonly databaseName: string
}

export interface Reach {
  /** Any URL of the catalogue's database: how its server is reached. */
  readonly catalogueUrl: string
  readonly signingKey: string
}

export function connectionTo(
  { host, port, tls, tlsCa, databaseName }: DatabasePlace,
  login: 'rowhouse_control' | 'rowhouse_migrator',
  { catalogueUrl, signingKey }: Reach,
): ClientConfig {
  const url = new URL(loginUrl(catalogueUrl, login, signingKey))
  if (host === null) {
    url.pathname = `/${encodeURIComponent(databaseName)}`
    return { connectionString: url.href }
  }
  return {
    host,
    port,
    database: databaseName,
    user: login,
    password: decodeURIComponent(url.password),
    ssl: tlsOf({ tls, tlsCa }, host),
  }
}
