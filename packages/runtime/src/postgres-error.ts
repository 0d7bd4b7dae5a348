// The one table from what Postgres and the socket say to what Rowhouse says. The original error stays as the cause;
// Postgres' DETAIL is left there, because it quotes rows.
import { RowhouseError } from '@rowhouse/contracts'
import type { ErrorCode } from '@rowhouse/contracts'
import { errorCodeOf } from '@rowhouse/database'

/** The fields of pg's DatabaseError that are used. */
interface PostgresError extends Error {
  readonly code: string
  readonly severity?: string
  readonly hint?: string
  readonly schema?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
  readonly routine?: string
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const codes: Readonly<Record<string, ErrorCode>> = {
  '23505': 'unique_violation',
  '23P01': 'unique_violation',
  '23503': 'foreign_key_violation',
  '23001': 'foreign_key_violation',
  '23514': 'check_violation',
  '23502': 'check_violation',
  '40001': 'serialization_failure',
  '40P01': 'serialization_failure',
  '42501': 'permission_denied',
  '57014': 'statement_timeout',
  '57P01': 'connection_lost',
  '57P02': 'connection_lost',
  '57P03': 'database_unreachable',
  '57P05': 'connection_lost',
  '26000': 'statement_forgotten',
  '53300': 'database_unreachable',
  '28P01': 'database_login_refused',
  '28000': 'database_login_refused',
  '3D000': 'database_unreachable',
}

/** These two mean a missing Rowhouse only while connecting; in a query they are the query's own mistake. */
const whileConnecting: Readonly<Record<string, ErrorCode>> = {
  '3F000': 'not_installed',
  '42883': 'not_installed',
  '42P01': 'not_installed',
  '42501': 'login_lacks_privilege',
}

function isPostgresError(error: unknown): error is PostgresError {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return false
  return typeof error.code === 'string' && error.code.length === 5
}

function codeOf({ code, routine }: PostgresError, connecting: boolean): ErrorCode {
  if (connecting && code in whileConnecting) return whileConnecting[code] as ErrorCode
  if (code === '42501' && routine?.startsWith('ExecWithCheckOptions') === true) return 'row_level_security'
  if (code === '0A000' && routine === 'RevalidateCachedQuery') return 'statement_forgotten'
  // A server that refuses a connection for a reason of its own: it shuts down, its database lets nobody in.
  return errorCodeOf(code) ?? codes[code] ?? (connecting ? 'database_unreachable' : 'query_failed')
}

function fromPostgres(error: PostgresError, connecting: boolean): RowhouseError {
  const code = codeOf(error, connecting)
  const { schema, table, column, constraint } = error
  const named = Object.entries({ schema, table, column, constraint }).filter(([, value]) => value !== undefined)
  return new RowhouseError(code, error.message, {
    details: { sqlState: error.code, ...Object.fromEntries(named) },
    cause: error,
    ...(error.hint !== undefined && error.hint !== '' && { hint: error.hint }),
  })
}

/** What a query, or a COMMIT, failed with. */
export function fromQuery(error: unknown): RowhouseError {
  if (error instanceof RowhouseError) return error
  if (isPostgresError(error)) return fromPostgres(error, false)
  // A socket error has no severity; anything else was thrown by a type parser or a value's own conversion.
  const message = error instanceof Error ? error.message : String(error)
  return new RowhouseError('query_failed', message, { cause: error })
}

/** What a batch failed with. Where its connection broke, nobody knows whether it was applied. */
export function fromOutcome({
  status,
  error,
}: {
  readonly status: string
  readonly error: Error | null
}): RowhouseError {
  if (status !== 'broken') return fromQuery(error)
  return new RowhouseError('connection_lost', undefined, { cause: error })
}

/** What opening a connection failed with. The URL is not quoted: it holds the password. */
export function fromConnect(error: unknown): RowhouseError {
  if (error instanceof RowhouseError) return error
  if (isPostgresError(error)) return fromPostgres(error, true)
  const message = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code : String(error)
  return new RowhouseError('database_unreachable', `The database does not answer: ${message}`, { cause: error })
}
