// Pages of all records, records by id, records by a unique value. Owns the list and batch-read
// endpoints, which read the database itself and never lag, and the search by a field that is not
// unique at HubSpot. Polling by time is poll.ts, deletions are deleted.ts.
import { failed, ok, resync, retry, unread } from '../kit/answers.ts'
import { batches, distinct } from '../kit/batches.ts'
import type { Answer, FindBy, ObjectSelection, RecordPage, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { objectOf, textOf } from '../kit/reading.ts'
import { comesWithList, listedAssociations, readReferences, referencesOnPage } from './associations.ts'
import { batchSizeMax, listPageMax, tokenProperty } from './description.ts'
import type { HubspotObject } from './object.ts'
import { objectOf as objectOfSelection, objectPath } from './objects.ts'
import { withKnownProperties } from './properties.ts'
import { afterOf, canonicalField, propertiesOf, recordOf } from './records.ts'
import { resultsIn } from './results.ts'
import { search } from './search.ts'

/** Of the names in the address of a list; servers take 8 or 16 KiB of head, and a token is in it too. */
const propertiesLengthMax = 4000
/** Values of one IN filter. */
const searchValuesMax = 100
/** Pages read for one filter: the search's own cap of 10,000 results. */
const searchPagesMax = 50

export async function list(
  http: ConnectorHttp,
  selection: ObjectSelection,
  cursor: string | null,
  pageSize: number,
): Promise<Answer<RecordPage>> {
  const object = objectOfSelection(selection)
  if (cursor !== null && !/^\w{1,200}$/.test(cursor)) return failed(resync('The cursor is not one of HubSpot.'))
  const properties = propertiesOf(object, selection).join(',')
  // An address has a length, and a batch read none: of many properties the page is read by the ids that it lists.
  const byIds = properties.length > propertiesLengthMax
  const inline = comesWithList(object, selection) && !byIds
  const query = new URLSearchParams({
    limit: String(Math.min(Math.max(1, pageSize), listPageMax)),
    properties: byIds ? object.modifiedProperty : properties,
    ...(selection.references.length > 0 && inline ? { associations: listedAssociations(object, selection) } : {}),
    ...(cursor === null ? {} : { after: cursor }),
  })
  const answer = await http.request({ method: 'GET', path: `${objectPath(object)}?${query.toString()}` })
  const results = resultsIn(answer)
  if (!results.ok) return results
  const next = afterOf(answer.body)
  // The page that led to this cursor, once more: going on from it would not end.
  if (next !== null && next === cursor) return failed(retry('HubSpot gave a page twice.'))
  const rows = results.value
  if (byIds) {
    const ids = rows.flatMap((raw) => textOf(raw['id']) ?? [])
    const read = await readBatches(http, object, selection, ids, null)
    return read.ok ? ok({ records: read.value, next }) : read
  }
  const shown = rows.flatMap(
    (raw) => recordOf(object, selection, raw, inline ? referencesOnPage(object, selection, raw) : {}) ?? [],
  )
  const known = await withKnownProperties(http, object, selection, rows, shown)
  if (!known.ok) return known
  if (inline) return ok({ records: known.value, next })
  const complete = await withReferences(http, object, selection, known.value)
  return complete.ok ? ok({ records: complete.value, next }) : unread(complete.failure)
}

export async function get(
  http: ConnectorHttp,
  selection: ObjectSelection,
  ids: readonly string[],
): Promise<Answer<readonly RemoteRecord[]>> {
  const object = objectOfSelection(selection)
  return readBatches(http, object, selection, ids, null)
}

export async function find(
  http: ConnectorHttp,
  selection: ObjectSelection,
  by: FindBy,
): Promise<Answer<readonly RemoteRecord[]>> {
  const object = objectOfSelection(selection)
  const field = by.kind === 'create_token' ? tokenProperty : by.field
  if (object.idProperties.includes(field)) return readBatches(http, object, selection, by.values, field)
  const values = distinct(by.values.flatMap((value) => canonicalField(object, field, value) ?? []))
  const found: RemoteRecord[] = []
  for (const batch of batches(values, searchValuesMax)) {
    let after: string | null = null
    for (let page = 0; page < searchPagesMax; page++) {
      const filterGroups = [{ filters: [{ propertyName: field, operator: 'IN', values: batch }] }]
      const answer = await search(http, object, selection, { filterGroups, sortBy: 'hs_object_id', after })
      if (!answer.ok) return answer
      found.push(...answer.value.records)
      after = answer.value.next
      if (after === null) break
    }
  }
  return withReferences(http, object, selection, found)
}

/** Adds the references that search and batch read do not return. */
export async function withReferences(
  http: ConnectorHttp,
  object: HubspotObject,
  selection: ObjectSelection,
  records: readonly RemoteRecord[],
): Promise<Answer<readonly RemoteRecord[]>> {
  if (records.length === 0 || selection.references.length === 0) return ok(records)
  const references = await readReferences(
    http,
    object,
    selection,
    records.map(({ id }) => id),
  )
  if (!references.ok) return unread(references.failure)
  return ok(records.map((record) => ({ ...record, references: references.value.get(record.id) ?? {} })))
}

async function readBatches(
  http: ConnectorHttp,
  object: HubspotObject,
  selection: ObjectSelection,
  values: readonly string[],
  idProperty: string | null,
): Promise<Answer<readonly RemoteRecord[]>> {
  const wanted = distinct(values.map((value) => (idProperty === 'email' ? value.trim().toLowerCase() : value)))
  if (idProperty !== null) {
    const answer = await readRecords(http, object, selection, wanted, idProperty)
    return answer.ok ? withReferences(http, object, selection, answer.value) : answer
  }
  // Of records asked for by their ids, references are asked for at the same time: nothing of the records is needed for it.
  const [answer, references] = await Promise.all([
    readRecords(http, object, selection, wanted, null),
    readReferences(http, object, selection, wanted),
  ])
  if (!answer.ok) return answer
  if (!references.ok) return unread(references.failure)
  // One that was merged answers to its old id with its new one.
  const others = answer.value.filter(({ id }) => !references.value.has(id))
  const merged = await withReferences(http, object, selection, others)
  if (!merged.ok) return merged
  return ok([
    ...answer.value.flatMap((record) => {
      const known = references.value.get(record.id)
      return known === undefined ? [] : [{ ...record, references: known }]
    }),
    ...merged.value,
  ])
}

async function readRecords(
  http: ConnectorHttp,
  object: HubspotObject,
  selection: ObjectSelection,
  wanted: readonly string[],
  idProperty: string | null,
): Promise<Answer<readonly RemoteRecord[]>> {
  const found = new Map<string, RemoteRecord>()
  for (const batch of batches(wanted, batchSizeMax)) {
    const answer = await http.request({
      method: 'POST',
      path: objectPath(object, '/batch/read?archived=false'),
      json: {
        inputs: batch.map((id) => ({ id })),
        properties: propertiesOf(object, selection),
        propertiesWithHistory: [],
        ...(idProperty === null ? {} : { idProperty }),
      },
    })
    // Nothing found may be a 404 or a 207 with the ids as an error; both say: none of them.
    if (answer.status === 404 && objectOf(answer.body)['category'] === 'OBJECT_NOT_FOUND') continue
    const results = resultsIn(answer)
    if (!results.ok) return results
    const records = results.value.flatMap((raw) => recordOf(object, selection, raw, {}) ?? [])
    const known = await withKnownProperties(http, object, selection, results.value, records)
    if (!known.ok) return known
    for (const record of known.value) found.set(record.id, record)
  }
  return ok([...found.values()])
}
