// Properties that are gone. HubSpot shows an empty one as null and leaves one that it does not know out, without a word: taken
// for empty, it would clear the column in every record that is read.
import { advise, failed, ok, unread } from '../kit/answers.ts'
import type { Answer, ObjectSelection, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { objectOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { classify } from './failures.ts'
import type { HubspotObject } from './object.ts'
import { propertyPath } from './objects.ts'

/** The records, once it is sure that each property which one of them leaves out exists: a call each, and only then. */
export async function withKnownProperties(
  http: ConnectorHttp,
  object: HubspotObject,
  { fields }: ObjectSelection,
  rows: readonly JsonObject[],
  records: readonly RemoteRecord[],
): Promise<Answer<readonly RemoteRecord[]>> {
  const leftOut = fields.filter((field) => rows.some((row) => !Object.hasOwn(objectOf(row['properties']), field)))
  for (const field of leftOut) {
    const answer = await http.request({ method: 'GET', path: propertyPath(object, `/${encodeURIComponent(field)}`) })
    if (answer.status === 404) return failed(advise(gone(object, field)))
    const failure = classify(answer)
    if (failure) return unread(failure)
  }
  return ok(records)
}

const gone = ({ remoteName }: HubspotObject, field: string): string =>
  `HubSpot has no property ${field} of ${remoteName} any more: restore it there, or choose another field for its column.`
