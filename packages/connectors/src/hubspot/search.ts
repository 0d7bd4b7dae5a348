// The search endpoint: one page of a filter. Owns its shape and its budget. It lags behind writes, never
// sees archived records, sorts by one property only, and refuses to page beyond 10,000 results.
// https://developers.hubspot.com/docs/api-reference/search/guide
import { ok, unread } from '../kit/answers.ts'
import type { Answer, ObjectSelection, RecordPage } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import type { JsonObject } from '../kit/reading.ts'
import { arrayOf, objectOf } from '../kit/reading.ts'
import { searchPageMax } from './description.ts'
import type { HubspotObject } from './object.ts'
import { classify } from './failures.ts'
import { objectPath } from './objects.ts'
import { afterOf, propertiesOf, recordOf } from './records.ts'

export interface SearchQuestion {
  /** Groups are alternatives, filters of a group conditions. */
  readonly filterGroups: readonly JsonObject[]
  /** Ascending. */
  readonly sortBy: string
  readonly after?: string | null
  /** @default 200, HubSpot's most */
  readonly limit?: number
}

/** Records without references, which search does not return. */
export async function search(
  http: ConnectorHttp,
  object: HubspotObject,
  selection: ObjectSelection,
  question: SearchQuestion,
): Promise<Answer<RecordPage>> {
  const answer = await http.request({
    method: 'POST',
    path: objectPath(object, '/search'),
    budget: 'search',
    json: {
      filterGroups: question.filterGroups,
      sorts: [{ propertyName: question.sortBy, direction: 'ASCENDING' }],
      properties: propertiesOf(object, selection),
      limit: Math.min(Math.max(1, question.limit ?? searchPageMax), searchPageMax),
      ...(question.after ? { after: question.after } : {}),
    },
  })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const records = arrayOf(objectOf(answer.body)['results']).flatMap((raw) => recordOf(object, selection, raw, {}) ?? [])
  return ok({ records, next: afterOf(answer.body) })
}
