// Every error answer of the server, in one shape. An error that is not ours tells the caller nothing
// but a request id; the log has the rest.
import { RowhouseError } from '@rowhouse/contracts'
import type { ErrorBody } from '@rowhouse/contracts'

/** What the caller is told. Errors of the database that no rule expected are ours, not the caller's. */
export function toPublicError(error: unknown): RowhouseError {
  if (!(error instanceof RowhouseError)) return new RowhouseError('internal', undefined, { cause: error })
  return internalCodes.has(error.code) ? new RowhouseError('internal', undefined, { cause: error }) : error
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
