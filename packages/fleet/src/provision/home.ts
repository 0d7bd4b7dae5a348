// The rows of rowhouse.homes: one place an organization can live in, how far it has come, and who works on it. A run holds a
// home by a lease of its own; a run that dies leaves the row, and the next one begins after the last step that is done.
import { randomUUID } from 'node:crypto'
import type { Pool, PoolClient } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import type { HomeLogin } from '@rowhouse/database'

import type { Isolation } from './clusters/cluster.ts'
import { homeNames } from './names.ts'
import { codedErrors } from './refusal.ts'

export type HomeState = 'building' | 'spare' | 'assigned' | 'retired' | 'dropping' | 'broken'
export type HomeStep = 'recorded' | 'server' | 'made' | 'migrated' | 'verified'

export interface Home {
  readonly id: string
  readonly cluster: string
  /** Null: the database of the catalogue. */
  readonly databaseName: string | null
  readonly schemaName: string
  readonly login: HomeLogin
  readonly isolation: Exclude<Isolation, 'shared'>
  readonly state: HomeState
  readonly step: HomeStep
  readonly attempts: number
  readonly error: string | null
  /** Whose it is; null for a warm one. */
  readonly organizationId: string | null
  readonly version: string | null
}

/** A run renews it with every step, and while a step takes long: a server that a driver makes takes minutes. */
export const LEASE_MS = 120_000
const RENEW_EVERY_MS = LEASE_MS / 3
/** A server is given up by its driver after a quarter of an hour; what takes longer than this hangs, and another run begins. */
const RENEWALS_MAX = 45

export const homeColumns = `
  id, cluster, database_name as "databaseName", schema_name as "schemaName", login, isolation, state, step, attempts, error,
  organization_id as "organizationId", version::text as version`

/** The organization whose rows a home may hold: its own, or the one that will be made with the id of the home. */
export const organizationOf = ({ id, organizationId }: Pick<Home, 'id' | 'organizationId'>): string =>
  organizationId ?? id

export interface HomeOrder {
  readonly cluster: string
  readonly isolation: Exclude<Isolation, 'shared'>
  /** For the schema model: the database it is made in; null for the catalogue's. */
  readonly dataDatabase: string | null
  /** An organization that is there already and waits for it. @default null: a warm home */
  readonly organizationId?: string | null
}

/**
 * Writes a home down, held by this run, before anything of it is made.
 *
 * @throws RowhouseError cluster_full, however many ask for the last place at once
 */
export async function recordHome(catalogue: Pool | PoolClient, order: HomeOrder, run: string): Promise<Home> {
  const id = randomUUID()
  const { place, login } = homeNames(id)
  const inSchema = order.isolation === 'schema'
  await codedErrors(
    catalogue.query(`select rowhouse.record_home($1, $2, $3, $4, $5, $6, $7, $8, $9 * interval '1 ms')`, [
      id,
      order.cluster,
      inSchema ? order.dataDatabase : place,
      inSchema ? place : 'public',
      login,
      order.isolation,
      order.organizationId ?? null,
      run,
      LEASE_MS,
    ]),
  )
  return readHome(catalogue, id)
}

/** @throws RowhouseError home_unknown */
export async function readHome(catalogue: Pool | PoolClient, id: string): Promise<Home> {
  const { rows } = await catalogue.query<Home>(
    `select ${homeColumns} from rowhouse.homes where id = $1 and isolation <> 'shared'`,
    [id],
  )
  const [home] = rows
  if (home === undefined) throw new RowhouseError('home_unknown', `There is no home ${id}.`, { details: { home: id } })
  return home
}

/** The home, held by this run; null while another one holds it. */
export async function takeHome(catalogue: Pool | PoolClient, id: string, run: string): Promise<Home | null> {
  const { rows } = await catalogue.query<Home>(
    `update rowhouse.homes set run = $2, run_until = now() + $3 * interval '1 ms', attempts = attempts + 1, updated_at = now()
     where id = $1 and (run is null or run = $2 or run_until < now())
     returning ${homeColumns}`,
    [id, run, LEASE_MS],
  )
  return rows[0] ?? null
}

export interface HomeChange {
  readonly state?: HomeState
  readonly step?: HomeStep
  readonly error?: string | null
  readonly version?: string | null
  readonly cluster?: string
  readonly databaseName?: string
}

/**
 * Writes a step down, for the run that holds the home, and renews its lease.
 *
 * @throws RowhouseError home_taken when another run holds it by now
 */
export async function noteHome(
  catalogue: Pool | PoolClient,
  id: string,
  run: string,
  { state, step, error, version, cluster, databaseName }: HomeChange,
): Promise<Home> {
  const { rows } = await catalogue.query<Home>(
    `update rowhouse.homes set
       state = coalesce($3, state), step = coalesce($4, step), error = $5,
       version = coalesce($6::bigint, version), cluster = coalesce($7, cluster), database_name = coalesce($8, database_name),
       run_until = now() + $9 * interval '1 ms', updated_at = now()
     where id = $1 and run = $2
     returning ${homeColumns}`,
    [id, run, state, step, error ?? null, version, cluster, databaseName, LEASE_MS],
  )
  const [home] = rows
  if (home === undefined) {
    throw new RowhouseError('home_taken', `Another process works on the home ${id} by now.`, { details: { home: id } })
  }
  return home
}

/** Holds the home for this run for as long as `work` takes. Where another run has it by now, noteHome() says so afterwards. */
export async function holding<Result>(
  catalogue: Pool | PoolClient,
  id: string,
  run: string,
  work: () => Promise<Result>,
): Promise<Result> {
  let renewals = 0
  const renewal = setInterval(() => {
    renewals += 1
    if (renewals > RENEWALS_MAX) return
    const renewed = catalogue.query(
      `update rowhouse.homes set run_until = now() + $3 * interval '1 ms' where id = $1 and run = $2`,
      [id, run, LEASE_MS],
    )
    // The catalogue is away for a moment; the next one comes before the lease ends.
    renewed.catch(() => {})
  }, RENEW_EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(renewal)
  }
}

/** Lets go of a home. */
export async function releaseHome(catalogue: Pool | PoolClient, id: string, run: string): Promise<void> {
  await catalogue.query('update rowhouse.homes set run = null, run_until = null where id = $1 and run = $2', [id, run])
}
