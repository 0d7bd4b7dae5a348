// One database outside the catalogue, looked after once: the definitions of reports, then months, seals and retention of its
// change logs. Each part is tried whatever became of the other.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { ErrorCode } from '@rowhouse/contracts'
import { connectionError, errorCodeOf, sealKeyOf } from '@rowhouse/database'
import { Client, DatabaseError } from 'pg'
import type { ClientBase, QueryResultRow } from 'pg'

import type { Catalogue } from '../copies/carry-copy.ts'
import { connectionTo } from './connection-to.ts'
import type { DatabasePlace, Reach } from './connection-to.ts'
import { pruneExpired, sealChanged } from './keep-log.ts'
import type { LogDatabase, LogWork } from './keep-log.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** Shorter than the 10 minutes for which rowhouse.take_data_database() leaves a database to who took it. */
const STATEMENT_TIMEOUT_MS = 60_000

/** A row of rowhouse.take_data_database(). */
export interface DueDatabase extends DatabasePlace {
  readonly cluster: string
  readonly sealedUntil: string | null
  readonly unsealed: readonly string[]
  readonly prunes: boolean
  readonly reportsRevision: string
}

export interface DatabaseWork {
  readonly catalogue: Catalogue
  readonly reach: Reach
  readonly isStopped: () => boolean
  /** What failed of one organization; the others go on. */
  readonly onFailure: (work: 'seal' | 'prune', organizationId: string, error: unknown) => void
}

export interface DatabaseOutcome {
  readonly sealedUntil: string | null
  readonly unsealed: readonly string[] | null
  readonly pruned: boolean
  readonly reportsRevision: string | null
  readonly seals: number
  readonly prunedLines: number
  /** What the database as a whole failed with. */
  readonly error: RowhouseError | null
  /** Whether its server does not answer, so that the others on it need not be asked. */
  readonly isServerDown: boolean
}

/** Does what is due; never throws. */
export async function keepDatabase(due: DueDatabase, work: DatabaseWork): Promise<DatabaseOutcome> {
  const done = {
    sealedUntil: null as string | null,
    unsealed: null as readonly string[] | null,
    pruned: false,
    reportsRevision: null as string | null,
    seals: 0,
    prunedLines: 0,
  }
  let error: RowhouseError | null = null
  try {
    done.reportsRevision = await carryReports(due, work)
  } catch (cause) {
    error = refusalOf(cause, due)
  }
  if (error === null || !isUnreachable(error)) {
    try {
      await connected(due, 'rowhouse_control', work.reach, async (client) => {
        const database = databaseOf(client)
        await database.query('select from rowhouse.maintain_change_log()')
        const key = await sealKeyOf(client, work.reach.signingKey)
        const during = (what: 'seal' | 'prune'): LogWork => ({
          key,
          isStopped: work.isStopped,
          onFailure: (id, cause) => work.onFailure(what, id, cause),
        })
        // Once a day all are looked at: a database that was restored counts its transactions anew.
        const since = { snapshot: due.prunes ? null : due.sealedUntil, unsealed: due.unsealed }
        const { seals, snapshot, unsealed } = await sealChanged(database, since, during('seal'))
        Object.assign(done, { seals, sealedUntil: snapshot, unsealed })
        if (!due.prunes || work.isStopped()) return
        done.prunedLines = await pruneExpired(database, during('prune'))
        done.pruned = true
      })
    } catch (cause) {
      error ??= refusalOf(cause, due)
    }
  }
  return { ...done, error, isServerDown: error !== null && isUnreachable(error) }
}

/** @returns the revision that was brought; null where the database has the newest */
async function carryReports(due: DueDatabase, { catalogue, reach }: DatabaseWork): Promise<string | null> {
  const { rows } = await catalogue.query(
    `select rowhouse.newest_report_revision()::text as revision,
       case when rowhouse.newest_report_revision() > $1 then rowhouse.reports_copy()::text end as copy`,
    [due.reportsRevision],
  )
  const { copy } = rows[0] as { readonly copy: string | null }
  if (copy === null) return null
  await connected(due, 'rowhouse_migrator', reach, (client) =>
    client.query('select from rowhouse.apply_reports($1)', [copy]),
  )
  return (JSON.parse(copy) as { revision: number }).revision.toString()
}

async function connected(
  due: DueDatabase,
  login: 'rowhouse_control' | 'rowhouse_migrator',
  reach: Reach,
  use: (client: ClientBase) => Promise<unknown>,
): Promise<void> {
  const client = new Client({
    ...connectionTo(due, login, reach),
    application_name: 'rowhouse keeper',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS * 2,
  })
  // A connection that breaks is an error of the query under way; without a listener it would end the process.
  client.on('error', () => {})
  try {
    try {
      await client.connect()
    } catch (cause) {
      throw new Unconnected(cause)
    }
    await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}

const databaseOf = (client: ClientBase): LogDatabase => ({
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
    return (await client.query<Row>(text, [...values])).rows
  },
  session: (use) => use(client),
})

class Unconnected extends Error {
  constructor(cause: unknown) {
    super('not connected', { cause })
  }
}

/** A database that is gone from a server that answers concerns itself alone. */
const isUnreachable = ({ code, cause }: RowhouseError): boolean =>
  code === 'home_unreachable' && !(cause instanceof DatabaseError)

function refusalOf(error: unknown, { cluster, databaseName: database }: DueDatabase): RowhouseError {
  if (isRowhouseError(error)) return error
  const cause = error instanceof Unconnected ? error.cause : error
  const details = { cluster, database }
  const sqlstate = cause instanceof DatabaseError ? cause.code : undefined
  if (sqlstate === '3D000') {
    return new RowhouseError('home_missing', `There is no database ${database} on the cluster ${cluster}.`, {
      details,
      cause,
    })
  }
  if (error instanceof Unconnected || sqlstate === undefined) {
    return new RowhouseError(
      'home_unreachable',
      `The database ${database} of cluster ${cluster} does not answer: ${connectionError(cause, '').message}`,
      { details, cause },
    )
  }
  const code: ErrorCode = errorCodeOf(sqlstate) ?? 'query_failed'
  return new RowhouseError(code, `${database} on ${cluster}: ${(cause as Error).message}`, { details, cause })
}
