// The results of a read. Owns what makes an answer one: a list, complete, with no error in it that means anything but 'there is
// no such record'. What is absent from it is believed to be gone, so nothing less is believed.
import { failed, hollow, ok, retry, unread } from '../kit/answers.ts'
import type { Answer } from '../kit/connector.ts'
import type { HttpAnswer } from '../kit/http.ts'
import { arrayOf, isObject, listIn, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { classify, reasonOf, recordFailure } from './failures.ts'

/** Categories of an entry that only says: not there. Every field of an error is optional. */
const absent: ReadonlySet<string | null> = new Set([null, 'OBJECT_NOT_FOUND', 'VALIDATION_ERROR'])

export function resultsIn(answer: HttpAnswer): Answer<readonly JsonObject[]> {
  const failure = classify(answer)
  if (failure) return unread(failure)
  const body = objectOf(answer.body)
  const results = listIn(body, 'results')
  // Only batches name a state; one that is not complete holds a part.
  const state = textOf(body['status']) ?? 'COMPLETE'
  if (results === null || state !== 'COMPLETE' || !results.every((entry) => isObject(entry)))
    return failed(hollow('HubSpot'))
  for (const error of arrayOf(body['errors']).map((entry) => objectOf(entry))) {
    if (absent.has(textOf(error['category']))) continue
    const meant = recordFailure(error, answer.status)
    return failed(meant.action === 'retry' ? meant : retry(reasonOf(error, answer.status)))
  }
  return ok(results)
}
