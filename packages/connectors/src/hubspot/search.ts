// The search endpoint: one page of a filter. Owns its shape and its budget. It lags behind writes, never
// sees archived records, sorts by one property only, and refuses to page beyond 10,000 results.
// https://developers.hubspot.com/docs/api-reference/search/guide
import { ok } from '../kit/answers.ts'
import type { Answer, ObjectSelection, RecordPage } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import type { JsonObject } from '../kit/reading.ts'
import { searchPageMax } from './description.ts'
import type { HubspotObject } from './object.ts'
import { objectPath } from './objects.ts'
import { withKnownProperties } from './properties.ts'
import { afterOf, propertiesOf, recordOf } from './records.ts'
import { resultsIn } from './results.ts'

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
  const results = resultsIn(answer)
  if (!results.ok) return results
  const shown = results.value.flatMap((raw) => recordOf(object, selection, raw, {}) ?? [])
  const records = await withKnownProperties(http, object, selection, results.value, shown)
  return records.ok ? ok({ records: records.value, next: afterOf(answer.body) }) : records
}
