// Maps Salesforce's answers onto the six outcomes. Owns the meaning of its error codes; must not know
// which endpoint was asked.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
import {
  isSuccess,
  park,
  pause,
  refreshCredentials,
  resync,
  retry,
  retryAfterMs,
  splitBatch,
  transportFailure,
} from '../kit/answers.ts'
import type { Failure } from '../kit/failure.ts'
import type { HttpAnswer } from '../kit/http.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'

/** The day's quota is a rolling 24 hours and comes back bit by bit. */
export const dailyPauseMs = 15 * 60_000

export interface SalesforceError {
  readonly code: string
  readonly message: string
  readonly fields: readonly string[]
}

export function classify(answer: HttpAnswer): Failure | null {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (isSuccess(answer)) return null
  const { status, headers } = answer
  const error = errorOf(answer.body, status)
  const known = failureOf(error)
  if (known) return known
  const reason = `${error.code}: ${error.message}`
  if (status === 401) return refreshCredentials(reason)
  if (status === 403) return pause(reason)
  if (status === 408) return retry(reason, retryAfterMs(headers))
  if (status === 429) return retry(reason, retryAfterMs(headers), 'account')
  if (status === 413 || status === 414) return splitBatch(reason)
  return park(error.code.toLowerCase(), reason)
}

/** What an error code means wherever it stands: in an answer of its own or for one record. Null: it is about the record. */
export function failureOf({ code, message }: SalesforceError): Failure | null {
  const reason = `${code}: ${message}`
  switch (code) {
    case 'INVALID_SESSION_ID':
    case 'INVALID_AUTH_HEADER':
      return refreshCredentials(reason)
    case 'REQUEST_LIMIT_EXCEEDED':
      return retry(reason, /concurrent/i.test(message) ? null : dailyPauseMs, 'account')
    case 'SERVER_UNAVAILABLE':
    case 'UNABLE_TO_LOCK_ROW':
    case 'QUERY_TIMEOUT':
    case 'UNKNOWN_EXCEPTION':
    case 'ALL_OR_NONE_OPERATION_ROLLED_BACK':
      return retry(reason)
    case 'API_DISABLED_FOR_ORG':
    case 'API_CURRENTLY_DISABLED':
    case 'STORAGE_LIMIT_EXCEEDED':
      return pause(reason)
    case 'INVALID_QUERY_LOCATOR':
    case 'INVALID_REPLICATION_DATE':
    case 'EXCEEDED_ID_LIMIT':
      return resync(reason)
    case 'EXCEEDED_MAX_SIZE_REQUEST':
      return splitBatch(reason)
    default:
      return null
  }
}

/** The first error of an answer, whichever of its shapes it has. */
export function errorOf(body: unknown, status: number): SalesforceError {
  const error = objectOf(Array.isArray(body) ? body[0] : body)
  const code = textOf(error['errorCode']) ?? textOf(error['statusCode']) ?? textOf(error['error']) ?? ''
  return {
    code: /^\w{1,80}$/.test(code) ? code : `HTTP_${status}`,
    message: textOf(error['message']) ?? textOf(error['error_description']) ?? `Salesforce answered ${status}.`,
    fields: arrayOf(error['fields']).flatMap((field) => textOf(field) ?? []),
  }
}
