// Maps HubSpot's answers onto the six outcomes. Owns the meaning of statuses and categories; must not
// know which endpoint was asked. Every field of the error body is optional, and is read as such.
// https://developers.hubspot.com/docs/api-reference/error-handling
import {
  isSuccess,
  park,
  pause,
  refreshCredentials,
  retry,
  retryAfterMs,
  splitBatch,
  transportFailure,
} from '../kit/answers.ts'
import type { Failure } from '../kit/failure.ts'
import type { HttpAnswer } from '../kit/http.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'

/** HubSpot does not say when a day's quota returns; asking four times an hour costs nothing of it. */
export const dailyPauseMs = 15 * 60_000
/** A locked record: HubSpot asks for two seconds. */
const lockedPauseMs = 2000

export function classify(answer: HttpAnswer): Failure | null {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (isSuccess(answer)) return null
  const { status, headers } = answer
  const body = objectOf(answer.body)
  const reason = reasonOf(body, status)
  switch (status) {
    case 401:
      return refreshCredentials(reason)
    case 403:
      return pause(reason)
    case 413:
    case 414:
      return splitBatch(reason)
    case 423:
      return retry(reason, retryAfterMs(headers) ?? lockedPauseMs)
    case 408:
      return retry(reason, retryAfterMs(headers))
    case 429:
      return retry(reason, retryAfterMs(headers) ?? impliedWaitMs(body), 'account')
    case 477:
      return retry(reason, retryAfterMs(headers), 'account')
    default:
      return recordFailure(body, status)
  }
}

/** What an error entry about one record means: of a 207, or of a batch of one. */
export function recordFailure(body: JsonObject, status: number): Failure {
  const category = textOf(body['category']) ?? ''
  const code = /^[A-Z][A-Z0-9_]{1,60}$/.test(category) ? category.toLowerCase() : `http_${status}`
  if (category === 'RATE_LIMITS') return retry(reasonOf(body, status), impliedWaitMs(body), 'account')
  if (category === 'INTERNAL_ERROR') return retry(reasonOf(body, status))
  return park(code, reasonOf(body, status))
}

/** The record that holds a unique value, from the two messages HubSpot words it in. Null when it is not such an error. */
export function holderOf(body: JsonObject): { readonly id: string | null } | null {
  const text = [body, ...arrayOf(body['errors']).map((entry) => objectOf(entry))]
    .map((entry) => textOf(entry['message']) ?? '')
    .join('\n')
  const id = /Existing ID: (\d+)/i.exec(text)?.[1] ?? /(\d+) already has that value/i.exec(text)?.[1]
  if (id !== undefined) return { id }
  return textOf(body['category']) === 'CONFLICT' || text.includes('CONFLICTING_UNIQUE_VALUE') ? { id: null } : null
}

export function isGone(body: JsonObject, status: number): boolean {
  return status === 404 || textOf(body['category']) === 'OBJECT_NOT_FOUND'
}

export function reasonOf(body: JsonObject, status: number): string {
  const message = textOf(body['message']) ?? textOf(body['error_description']) ?? `HubSpot answered ${status}.`
  const correlationId = textOf(body['correlationId'])
  return correlationId === null ? message : `${message} (correlation id ${correlationId})`
}

function impliedWaitMs(body: JsonObject): number | null {
  const said = `${textOf(body['policyName']) ?? ''} ${textOf(body['message']) ?? ''}`.toLowerCase()
  if (said.includes('daily')) return dailyPauseMs
  return /(?<!ten_)secondly/.test(said) && !said.includes('ten_secondly') ? 1000 : null
}
