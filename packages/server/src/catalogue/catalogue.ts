// The catalogue, through the control login: organizations, memberships, users and the audit log of the
// control plane. It sees every organization, so whoever calls it has decided before for whom; it must
// never read an organization's home.
import { errorCodeOf } from '@rowhouse/database'
import { RowhouseError } from '@rowhouse/contracts'
import { DatabaseError, Pool } from 'pg'
import type { ClientBase, QueryResultRow } from 'pg'

export interface Catalogue {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** One connection for several statements, in a transaction that `use` begins and ends. */
  session<Result>(use: (client: ClientBase) => Promise<Result>): Promise<Result>
  readonly connections: { readonly total: number; readonly idle: number; readonly waiting: number }
  close(): Promise<void>
}

export function openCatalogue(controlUrl: string, onError: (error: Error) => void): Catalogue {
  const pool = new Pool({
    connectionString: controlUrl,
    max: 5,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 15_000,
    application_name: 'rowhouse control plane',
  })
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', onError)
  return {
    async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
      try {
        const { rows } = await pool.query<Row>(text, [...values])
        return rows
      } catch (error) {
        throw codedError(error)
      }
    },
    async session<Result>(use: (client: ClientBase) => Promise<Result>) {
      let client
      try {
        client = await pool.connect()
        const result = await use(client)
        client.release()
        return result
      } catch (error) {
        // Whatever state it was left in, nobody gets it.
        client?.release(true)
        throw codedError(error)
      }
    },
    get connections() {
      return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }
    },
    close: () => pool.end(),
  }
}

function codedError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RowhouseError) return error
  const sqlstate = error instanceof DatabaseError ? error.code : undefined
  const refusal = errorCodeOf(sqlstate)
  if (refusal !== null) return new RowhouseError(refusal, error.message, { cause: error })
  if (sqlstate === undefined || /^(08|57P|53)/.test(sqlstate)) {
    return new RowhouseError('database_unreachable', undefined, { cause: error })
  }
  return error
}
