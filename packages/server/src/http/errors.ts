// Every error answer of the server, in one shape. An error that is not ours tells the caller nothing
// but a request id; the log has the rest.
import { RowhouseError } from '@rowhouse/contracts'
import type { ErrorBody, ErrorCode } from '@rowhouse/contracts'
import type { Actor } from '../context.ts'

/** What the caller is told. Errors of the database that no rule expected are ours, not the caller's. */
export function toPublicError(error: unknown, caller: Actor['kind'] = 'anonymous'): RowhouseError {
  if (!(error instanceof RowhouseError)) return new RowhouseError('internal', undefined, { cause: error })
  if (internalCodes.has(error.code)) return new RowhouseError('internal', undefined, { cause: error })
  return caller !== 'operator' && operatorsCodes.has(error.code) ? inOwnWords(error) : error
}

/** What the fleet calls an option came in the body: then it is the caller's mistake, and no fault of this program. */
export async function ofBody<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof RowhouseError) || error.code !== 'invalid_option') throw error
    const { option } = error.details
    throw new RowhouseError('validation_failed', error.message, {
      details: { issues: [{ in: 'body', path: typeof option === 'string' ? option : '', message: error.message }] },
      cause: error,
    })
  }
}

/**
 * Codes whose messages and details say how the product is built: addresses of servers, names of databases and logins, how
 * many others wait. Operators read them; everybody else is told what is so, in the code's own words.
 */
const operatorsCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'catalogue_unreachable',
  'cluster_credentials_missing',
  'cluster_differs',
  'cluster_exists',
  'cluster_full',
  'cluster_login_too_weak',
  'cluster_missing',
  'cluster_tls_required',
  'cluster_unknown',
  'compose_failed',
  'database_login_refused',
  'database_unreachable',
  'driver_unknown',
  'home_assigned',
  'home_kept',
  'home_missing',
  'home_not_ready',
  'home_taken',
  'home_unknown',
  'home_unreachable',
  'home_unsafe',
  'login_bypasses_rls',
  'login_lacks_privilege',
  'login_password_differs',
  'pool_exhausted',
  'supabase_project_failed',
  'supabase_project_slow',
  'supabase_refused',
  'supabase_unauthorized',
  'supabase_unreachable',
  'tls_required',
])

function inOwnWords({ code, details: { organizationId }, cause }: RowhouseError): RowhouseError {
  return new RowhouseError(code, undefined, {
    ...(typeof organizationId === 'string' && { details: { organizationId } }),
    cause,
  })
}

/** Codes that name a fault of this program when they come out of a handler. */
const internalCodes = new Set<string>([
  'query_failed',
  'invalid_option',
  'statement_not_allowed',
  'connection_tainted',
  'token_missing',
  'token_malformed',
  'token_invalid',
  'already_entered',
  'seal_missing',
  'closed',
])

export function errorAnswer(error: RowhouseError, requestId: string): Response {
  const body: ErrorBody = {
    code: error.code,
    message: error.message,
    hint: error.hint,
    requestId,
    ...(Object.keys(error.details).length === 0 ? {} : { details: error.details }),
  }
  const headers = new Headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  if (error.status === 401) headers.set('www-authenticate', 'Bearer')
  const { retryAfterS, allow } = error.details
  if (typeof retryAfterS === 'number') headers.set('retry-after', String(retryAfterS))
  if (Array.isArray(allow)) headers.set('allow', allow.join(', '))
  return new Response(JSON.stringify(body), { status: error.status, headers })
}
