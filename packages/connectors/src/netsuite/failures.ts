// Maps NetSuite's answers onto the six outcomes. Owns the meaning of its error codes and the three forms in
// which too many requests at once are refused; must not know which record was asked for.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156570709583.html
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
import type { ConnectorHttp, HttpAnswer, HttpRequest } from '../kit/http.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'

export interface NetsuiteError {
  readonly code: string
  readonly message: string
  /** Path of the value in the body that is at fault; null when it is none of them. */
  readonly path: string | null
}

const crowded = /CONCURRENCY_LIMIT_EXCEEDED|REQUEST_LIMIT_EXCEEDED|CONCURRENT_REQUEST|concurrent request limit/i
/** Somebody else's change or script held the record for a moment. */
const passing = /RCRD_HAS_BEEN_CHANGED|SSS_TIME_LIMIT|TIMEOUT|DEADLOCK|record has been changed/i

export function classify(answer: HttpAnswer): Failure | null {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (isSuccess(answer)) return null
  const { status, headers } = answer
  const error = errorOf(answer.body, status)
  const reason = `${error.code}: ${error.message}`
  if (status === 429 || crowded.test(reason)) return retry(reason, retryAfterMs(headers), 'account')
  if (status === 401) return refreshCredentials(reason)
  if (status === 403) return pause(reason)
  if (status === 413) return splitBatch(reason)
  if (status === 408 || status === 423 || passing.test(reason)) return retry(reason, retryAfterMs(headers))
  return park(error.code.toLowerCase(), reason)
}

/** The first error of an answer, whichever of its shapes it has. */
export function errorOf(body: unknown, status: number): NetsuiteError {
  const problem = objectOf(body)
  const error = objectOf(arrayOf(problem['o:errorDetails'])[0])
  const code = textOf(error['o:errorCode']) ?? textOf(problem['error']) ?? ''
  return {
    code: /^\w{1,80}$/.test(code) ? code : `HTTP_${status}`,
    message:
      textOf(error['detail']) ??
      textOf(problem['error_description']) ??
      textOf(problem['title']) ??
      `NetSuite answered ${status}.`,
    path: textOf(error['o:errorPath']),
  }
}

/**
 * Asks, and takes the disguise off one answer: under too many requests at once NetSuite may say 'Invalid login
 * attempt', as it does to a dead token. A token that is good a moment later was good before.
 */
export async function ask(http: ConnectorHttp, request: HttpRequest): Promise<HttpAnswer> {
  const answer = await http.request(request)
  if (answer.status !== 401) return answer
  const again = await http.request({ method: 'GET', path: '/services/rest/system/v1/governanceLimits' })
  return isSuccess(again) || classify(again)?.action === 'retry' ? { ...answer, status: 429 } : answer
}
