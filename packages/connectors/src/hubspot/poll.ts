// Records modified after a position, in the order (modified, id), over a search that can sort by one
// property only and caps at 10,000 results. Each page is a new search from where the last one ended,
// so the cap is never reached. One call when timestamps differ:
//   modified > T or (modified = T and id > I), by modified
// The last timestamp of a full page may go on beyond it, in no known order. Its records are left for
// the next page; when the whole page has that one timestamp, a second call reads it by id.
import { ok } from '../kit/answers.ts'
import type { Answer, ObjectSelection, PollPage, PollPosition, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import type { JsonObject } from '../kit/reading.ts'
import { searchPageMax } from './description.ts'
import type { HubspotObject } from './object.ts'
import { objectOf } from './objects.ts'
import { withReferences } from './read.ts'
import { search } from './search.ts'

export async function poll(
  http: ConnectorHttp,
  selection: ObjectSelection,
  position: PollPosition,
  pageSize: number,
): Promise<Answer<PollPage>> {
  const object = objectOf(selection)
  // Whoever asks for the largest page of a list means the largest there is, and a search has twice as much.
  const limit = pageSize >= object.pageSizeMax ? searchPageMax : Math.max(1, pageSize)
  const first = await search(http, object, selection, {
    filterGroups: [{ filters: [filter(object, 'GT', position)] }, { filters: tiesAfter(object, position) }],
    sortBy: object.modifiedProperty,
    limit,
  })
  if (!first.ok) return first
  let records = first.value.records.toSorted(byPosition)
  let more = first.value.next !== null
  if (more) {
    const last = records.at(-1)?.modifiedAt
    const settled = records.filter(({ modifiedAt }) => modifiedAt !== last)
    if (settled.length > 0 || last === undefined) {
      records = settled
    } else {
      const from: PollPosition = { modifiedAt: last, id: last === position.modifiedAt ? position.id : '' }
      const ties = await search(http, object, selection, {
        filterGroups: [{ filters: tiesAfter(object, from) }],
        sortBy: 'hs_object_id',
        limit,
      })
      if (!ties.ok) return ties
      records = ties.value.records.toSorted(byPosition)
      // Nothing at all: the records moved on between the two calls, and the next page finds them.
      if (records.length === 0) more = false
    }
  }
  const complete = await withReferences(http, object, selection, records)
  if (!complete.ok) return complete
  const end = records.at(-1)
  return ok({
    records: complete.value,
    position: end ? { modifiedAt: end.modifiedAt, id: end.id } : position,
    more,
  })
}

/** HubSpot's ids are numbers, so their order is by length first. */
function byPosition(a: RemoteRecord, b: RemoteRecord): number {
  if (a.modifiedAt !== b.modifiedAt) return a.modifiedAt < b.modifiedAt ? -1 : 1
  if (a.id.length !== b.id.length) return a.id.length - b.id.length
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function filter(object: HubspotObject, operator: 'GT' | 'EQ', { modifiedAt }: PollPosition): JsonObject {
  return { propertyName: object.modifiedProperty, operator, value: String(Date.parse(modifiedAt)) }
}

function tiesAfter(object: HubspotObject, position: PollPosition): JsonObject[] {
  return [
    filter(object, 'EQ', position),
    { propertyName: 'hs_object_id', operator: 'GT', value: /^\d+$/.test(position.id) ? position.id : '0' },
  ]
}
