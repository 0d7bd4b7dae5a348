// Maps Template's answers onto the six outcomes. Owns the meaning of its error codes. What is here holds for most
// providers; the wordings of test-provider.ts show where this one differs.
import {
  isSuccess,
  park,
  pause,
  refreshCredentials,
  retry,
  retryAfterMs,
  splitBatch,
  transportFailure,
} from '../src/kit/answers.ts'
import type { Failure } from '../src/kit/failure.ts'
import type { HttpAnswer } from '../src/kit/http.ts'
import { objectOf, textOf } from '../src/kit/reading.ts'

export function classify(answer: HttpAnswer): Failure | null {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (isSuccess(answer)) return null
  const { status, headers } = answer
  const reason = textOf(objectOf(answer.body)['message']) ?? `Template answered ${status}.`
  if (status === 401) return refreshCredentials(reason)
  if (status === 403) return pause(reason)
  if (status === 408 || status === 423) return retry(reason, retryAfterMs(headers))
  if (status === 429) return retry(reason, retryAfterMs(headers), 'account')
  if (status === 413) return splitBatch(reason)
  return park(`http_${status}`, reason)
}
