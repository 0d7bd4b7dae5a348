// Carries what the catalogue knows of one organization to the database it lives in: whole, of one version, as the login
// rowhouse_control of that database. Idempotent; whoever carries an older version than another did leaves the newer one.
import { Client } from 'pg'
import type { ClientConfig } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { connectionError, errorCodeOf, loginUrl } from '@rowhouse/database'

import { tlsOf } from '../provision/clusters/servers.ts'

/** Shorter than the 30 s for which rowhouse.take_copies_due() leaves a copy to who took it. */
const CONNECT_TIMEOUT_MS = 5_000
const APPLY_TIMEOUT_MS = 15_000

/** The catalogue as rowhouse_control. */
export interface Catalogue {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

export interface CopyOptions {
  readonly catalogue: Catalogue
  /** Any URL of the catalogue's database: how its server is reached. */
  readonly catalogueUrl: string
  readonly signingKey: string
}

interface Due {
  readonly cluster: string
  readonly host: string | null
  readonly port: number
  readonly tls: 'verify-full' | 'off'
  readonly tls_ca: string | null
  readonly database_name: string
  readonly version: string
  readonly copy: string
}

// One statement, so that copy and version are of one moment.
const DUE = `
select p.cluster, c.host, c.port, c.tls, c.tls_ca, p.database_name, o.version::text,
  rowhouse.catalogue_copy(o.id)::text as copy
from rowhouse.placements p
join rowhouse.organizations o on o.id = p.organization_id
join rowhouse.clusters c on c.id = p.cluster
where p.organization_id = $1 and p.database_name is not null`

/**
 * Makes the home of an organization know what the catalogue knows of its members, roles, status, plan and connections. Does
 * nothing where the organization lives in the catalogue's database.
 *
 * @throws RowhouseError home_unreachable, or what the home refused with; the copy stays due, and the worker goes on
 * @example
 * await carryCopy({ catalogue, catalogueUrl, signingKey }, organizationId)
 * // in the home: select rowhouse.apply_catalogue_copy($copy)
 */
export async function carryCopy(options: CopyOptions, organizationId: string): Promise<void> {
  const { catalogue } = options
  const { rows } = await catalogue.query(DUE, [organizationId])
  const due = rows[0] as Due | undefined
  if (due === undefined) {
    await catalogue.query('delete from rowhouse.copies_due where organization_id = $1', [organizationId])
    return
  }
  try {
    await apply(targetOf(due, options), due.copy)
  } catch (error) {
    const refusal = refusalOf(error, due)
    // Somebody has carried a newer version meanwhile. Where the catalogue itself is no newer the home is ahead of it, as
    // after a restore from a backup, or is no home of a copy: what is true here has not arrived, and that stays due.
    if (refusal.code !== 'copy_refused' || !(await isNewerBy(catalogue, organizationId, due.version))) {
      await catalogue.query('select rowhouse.settle_copy($1, $2, $3)', [organizationId, due.version, refusal.code])
      throw refusal
    }
  }
  await catalogue.query('select rowhouse.settle_copy($1, $2)', [organizationId, due.version])
}

async function isNewerBy(catalogue: Catalogue, organizationId: string, version: string): Promise<boolean> {
  const { rows } = await catalogue.query('select from rowhouse.organizations where id = $1 and version > $2', [
    organizationId,
    version,
  ])
  return rows.length > 0
}

async function apply(target: ClientConfig, copy: string): Promise<void> {
  const client = new Client({
    ...target,
    application_name: 'rowhouse copies',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: APPLY_TIMEOUT_MS,
  })
  // A connection that breaks is an error of the query under way; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select rowhouse.apply_catalogue_copy($1)', [copy])
  } finally {
    await client.end().catch(() => {})
  }
}

function targetOf({ host, port, tls, tls_ca, database_name }: Due, { catalogueUrl, signingKey }: CopyOptions) {
  const url = new URL(loginUrl(catalogueUrl, 'rowhouse_control', signingKey))
  if (host === null) {
    url.pathname = `/${encodeURIComponent(database_name)}`
    return { connectionString: url.href }
  }
  return {
    host,
    port,
    database: database_name,
    user: 'rowhouse_control',
    password: decodeURIComponent(url.password),
    ssl: tlsOf({ tls, tlsCa: tls_ca }, host),
  }
}

function refusalOf(error: unknown, { cluster, database_name: database }: Due): RowhouseError {
  if (error instanceof RowhouseError) return error
  const sqlstate = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const details = { cluster, database }
  const code = errorCodeOf(sqlstate)
  if (code !== null) return new RowhouseError(code, (error as Error).message, { details, cause: error })
  return new RowhouseError(
    'home_unreachable',
    `The home in database ${database} of cluster ${cluster} could not be told: ${connectionError(error, '').message}`,
    { details, cause: error },
  )
}
