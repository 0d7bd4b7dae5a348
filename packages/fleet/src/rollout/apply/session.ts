// The connection that migrates homes of one database.
import { RowhouseError } from '@rowhouse/contracts'
import { connectionError } from '@rowhouse/database'
import { Client } from 'pg'
import type { ClientBase, ClientConfig } from 'pg'

const CONNECT_TIMEOUT_MS = 10_000

export interface SessionLimits {
  /** Longest wait for one lock: whoever comes after waits as well. */
  readonly lockTimeoutMs: number
  /** Longest run of one statement in a transaction. */
  readonly statementTimeoutMs: number
}

/** @throws RowhouseError database_unreachable, database_login_refused, not_installed */
export async function openSession(config: ClientConfig, applicationName: string): Promise<Client> {
  const client = new Client({
    ...config,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: applicationName,
    keepAlive: true,
  })
  // What breaks an idle connection breaks the next query too, and that one is answered.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // With row_security off a statement that row security would change is an error, not zero rows. A server that looks
    // after its client ends what a killed runner had under way.
    await client.query(`set row_security = off; set idle_in_transaction_session_timeout = 0;
      set default_transaction_isolation = 'read committed'; set default_transaction_read_only = off`)
    await client.query("set client_connection_check_interval = '500ms'").catch(() => undefined)
    const { rows } = await client.query<{ installed: boolean }>(
      "select to_regclass('rowhouse.applied_tenant_migrations') is not null as installed",
    )
    if (rows[0]?.installed !== true) throw new RowhouseError('not_installed')
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    if (error instanceof RowhouseError) throw error
    const { host = '', port = '', database = '', connectionString } = config
    throw connectionError(error, connectionString ?? `postgres://${host}:${port}/${database}`)
  }
}

export const beginText = ({ lockTimeoutMs, statementTimeoutMs }: SessionLimits): string =>
  `begin; set local lock_timeout = ${Math.round(lockTimeoutMs)}; set local statement_timeout = ${Math.round(statementTimeoutMs)}`

export interface AppliedRow {
  readonly schema_name: string
  readonly version: string
  readonly checksum: string
}

/** Inside a transaction: the homes' locks, and what they have of the versions from `since` on. */
export async function beginHomes(
  client: ClientBase,
  schemas: readonly string[],
  fence: string | null,
  since = '',
): Promise<AppliedRow[]> {
  const { rows } = await client.query<AppliedRow>(
    'select schema_name, version, checksum from rowhouse.begin_tenant_migrations($1, $2, $3)',
    [schemas, fence, since],
  )
  return rows
}
