// Carries what the catalogue knows of one organization to the database it lives in: whole, of one version, as the login
// rowhouse_control of that database. Idempotent; whoever carries an older version than another did leaves the newer one.
import { Client, DatabaseError } from 'pg'
import type { ClientConfig } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { connectionError, errorCodeOf } from '@rowhouse/database'

import { connectionTo } from '../databases/connection-to.ts'
import type { DatabasePlace, Reach } from '../databases/connection-to.ts'
import type { EarlyConnections } from './early-connections.ts'

/** Shorter than the 30 s for which rowhouse.take_copies_due() leaves a copy to who took it. */
const CONNECT_TIMEOUT_MS = 5_000
const APPLY_TIMEOUT_MS = 15_000

/** The catalogue as rowhouse_control. */
export interface Catalogue {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

export interface CopyOptions extends Reach {
  readonly catalogue: Catalogue
  /** Connections that were opened before anybody needed them. @default none */
  readonly early?: Pick<EarlyConnections, 'take'>
}

/** A copy of one version and the way to its home, as rowhouse.copy_to_carry() gives it. */
export interface CopyToCarry extends DatabasePlace {
  readonly cluster: string
  readonly version: string
  /** JSON. */
  readonly copy: string
}

/**
 * Makes the home of an organization know what the catalogue knows of its members, roles, status, plan and connections. Does
 * nothing where the organization lives in the catalogue's database.
 *
 * @param given what was read of the catalogue already; whoever has carried a newer one meanwhile is not set back
 * @throws RowhouseError home_unreachable, or what the home refused with; the copy stays due, and the worker goes on
 * @example
 * await carryCopy({ catalogue, catalogueUrl, signingKey }, organizationId)
 * // in the home: select rowhouse.apply_catalogue_copy($copy)
 */
export async function carryCopy(options: CopyOptions, organizationId: string, given?: CopyToCarry): Promise<void> {
  const { catalogue } = options
  const due = given ?? (await readCopy(catalogue, organizationId))
  if (due === null) {
    await catalogue.query('delete from rowhouse.copies_due where organization_id = $1', [organizationId])
    return
  }
  let closing: Promise<void> | null = null
  try {
    ;({ closing } =
      (await applyEarly(options, due)) ?? (await apply(connectionTo(due, 'rowhouse_control', options), due.copy)))
  } catch (error) {
    const refusal = refusalOf(error, due)
    // Somebody has carried a newer version meanwhile. Where the catalogue itself is no newer the home is ahead of it, as
    // after a restore from a backup, or is no home of a copy: what is true here has not arrived, and that stays due.
    if (refusal.code !== 'copy_refused' || !(await isNewerBy(catalogue, organizationId, due.version))) {
      await catalogue.query('select rowhouse.settle_copy($1, $2, $3)', [organizationId, due.version, refusal.code])
      throw refusal
    }
  }
  await Promise.all([catalogue.query('select rowhouse.settle_copy($1, $2)', [organizationId, due.version]), closing])
}

/**
 * Makes a database that an organization has left know that it lives elsewhere.
 *
 * @param farewell of rowhouse.take_farewells()
 * @throws as carryCopy()
 */
export async function carryFarewell(reach: Reach, farewell: CopyToCarry): Promise<void> {
  try {
    const { closing } = await apply(connectionTo(farewell, 'rowhouse_control', reach), farewell.copy)
    await closing
  } catch (error) {
    throw refusalOf(error, farewell)
  }
}

async function isNewerBy(catalogue: Catalogue, organizationId: string, version: string): Promise<boolean> {
  const { rows } = await catalogue.query('select from rowhouse.organizations where id = $1 and version > $2', [
    organizationId,
    version,
  ])
  return rows.length > 0
}

async function readCopy(catalogue: Catalogue, organizationId: string): Promise<CopyToCarry | null> {
  const { rows } = await catalogue.query('select rowhouse.copy_to_carry($1) as due', [organizationId])
  return (rows[0] as { due: CopyToCarry | null }).due
}

/** By a connection that is open already; null where there is none, or where it broke: then nothing is lost by another one. */
async function applyEarly(
  { early }: CopyOptions,
  due: CopyToCarry,
): Promise<{ readonly closing: Promise<void> } | null> {
  const client = (await early?.take(due)) ?? null
  if (client === null) return null
  try {
    await client.query('select rowhouse.apply_catalogue_copy($1)', [due.copy])
    return { closing: client.end().catch(() => {}) }
  } catch (error) {
    await client.end().catch(() => {})
    if (error instanceof DatabaseError && !/^(08|57P)/.test(error.code ?? '')) throw error
    return null
  }
}

/** @returns when the copy is there, with what is left of the connection's end */
async function apply(target: ClientConfig, copy: string): Promise<{ readonly closing: Promise<void> }> {
  const client = new Client({
    ...target,
    application_name: 'rowhouse copies',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: APPLY_TIMEOUT_MS,
  })
  // A connection that breaks is an error of the query under way; without a listener it would end the process.
  client.on('error', () => {})
  const end = (): Promise<void> => client.end().catch(() => {})
  try {
    await client.connect()
    await client.query('select rowhouse.apply_catalogue_copy($1)', [copy])
  } catch (error) {
    await end()
    throw error
  }
  return { closing: end() }
}

function refusalOf(error: unknown, { cluster, databaseName: database }: CopyToCarry): RowhouseError {
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
