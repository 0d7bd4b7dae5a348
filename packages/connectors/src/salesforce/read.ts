// Reads: all records, records after a position, records by id or by value. Every page is a query of its
// own from where the last one ended (a keyset), never a query locator, which dies after two days.
import { failed, hollow, ok, resync, unread } from '../kit/answers.ts'
import { batches, distinct } from '../kit/batches.ts'
import { instantText } from '../kit/canonical.ts'
import type {
  Answer,
  FindBy,
  ObjectSelection,
  PollPage,
  PollPosition,
  RecordPage,
  RemoteRecord,
} from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { apiPath, pageSizeMax } from './description.ts'
import { classify } from './failures.ts'
import { withWinners } from './merged.ts'
import type { SalesforceObject } from './object.ts'
import { canonicalField, fieldsOf, isId, kindOf, objectOf, recordOf } from './objects.ts'
import { afterPosition, callHeaders, fieldName, query, quote } from './soql.ts'
import type { QueryPage } from './soql.ts'
import { arrayOf, objectOf as bodyOf, textOf } from '../kit/reading.ts'

/** Ids of one retrieve call. */
const retrieveMax = 2000
/** Literals of one IN; keeps the address far below the 16 KiB Salesforce takes. */
const literalsMax = 100
/** Pages read for one IN: as many records as have one value. */
const findPagesMax = 50

/** By id, because a record that changes while the walk is under way must not move past it. */
export async function list(
  http: ConnectorHttp,
  selection: ObjectSelection,
  cursor: string | null,
  pageSize: number,
): Promise<Answer<RecordPage>> {
  const object = objectOf(selection)
  if (cursor !== null && !isId(cursor)) return failed(resync('The cursor is not one of Salesforce.'))
  const where = cursor === null ? '' : ` WHERE Id > ${quote(cursor)}`
  const limit = pageLimit(pageSize)
  const page = await query(http, `${select(object, selection)}${where} ORDER BY Id LIMIT ${limit}`)
  if (!page.ok) return page
  const records = recordsOf(object, selection, page.value.rows)
  const more = !page.value.done || page.value.rows.length >= limit
  return ok({ records, next: more ? (records.at(-1)?.id ?? null) : null })
}

export async function poll(
  http: ConnectorHttp,
  selection: ObjectSelection,
  position: PollPosition,
  pageSize: number,
): Promise<Answer<PollPage>> {
  const soql = pollQuery(selection, position, pageSize)
  if (!soql.ok) return soql
  const page = await query(http, soql.value)
  return page.ok ? ok(pollPage(selection, position, pageSize, page.value)) : page
}

/** The question of one poll; a failure when the position is none. */
export function pollQuery(selection: ObjectSelection, position: PollPosition, pageSize: number): Answer<string> {
  const object = objectOf(selection)
  if (instantText(position.modifiedAt) === null || (position.id !== '' && !isId(position.id))) {
    return failed(resync('The position is not one of Salesforce.'))
  }
  const where = afterPosition(position.modifiedAt, position.id)
  return ok(`${select(object, selection)} WHERE ${where} ORDER BY SystemModstamp, Id LIMIT ${pageLimit(pageSize)}`)
}

/** What its page says. */
export function pollPage(
  selection: ObjectSelection,
  position: PollPosition,
  pageSize: number,
  page: QueryPage,
): PollPage {
  const records = recordsOf(objectOf(selection), selection, page.rows)
  const end = records.at(-1)
  return {
    records,
    position: end ? { modifiedAt: end.modifiedAt, id: end.id } : position,
    more: end !== undefined && (!page.done || page.rows.length >= pageLimit(pageSize)),
  }
}

/** Of an id that a merge took away, its winner: one query more, and only where a record was not found. */
export async function get(
  http: ConnectorHttp,
  selection: ObjectSelection,
  ids: readonly string[],
): Promise<Answer<readonly RemoteRecord[]>> {
  const object = objectOf(selection)
  const wanted = distinct(ids.filter(isId))
  const found = await retrieve(http, object, selection, wanted)
  if (!found.ok || !object.mergeable) return found
  return withWinners(http, object, wanted, found.value, (winners) => retrieve(http, object, selection, winners))
}

async function retrieve(
  http: ConnectorHttp,
  object: SalesforceObject,
  selection: ObjectSelection,
  ids: readonly string[],
): Promise<Answer<readonly RemoteRecord[]>> {
  const fields = fieldsOf(object, selection).map(fieldName)
  const found: RemoteRecord[] = []
  for (const batch of batches(ids, retrieveMax)) {
    const answer = await http.request({
      method: 'POST',
      path: `${apiPath}/composite/sobjects/${object.remoteName}`,
      json: { ids: batch, fields },
      headers: callHeaders,
    })
    const failure = classify(answer)
    if (failure) return unread(failure)
    // An entry for each id, null where there is none: fewer entries would be records that are gone.
    const entries = arrayOf(answer.body)
    if (entries.length !== batch.length || !entries.every((entry) => entry === null || isRecord(entry)))
      return failed(hollow('Salesforce'))
    found.push(...recordsOf(object, selection, entries).filter(({ deleted }) => !deleted))
  }
  return ok(found)
}

export async function find(
  http: ConnectorHttp,
  selection: ObjectSelection,
  by: FindBy,
): Promise<Answer<readonly RemoteRecord[]>> {
  const object = objectOf(selection)
  const field = by.kind === 'create_token' ? object.createTokenField : fieldName(by.field)
  if (field === null) return ok([])
  const wanted = new Set(by.values.flatMap((value) => canonicalField(object, field, value) ?? []))
  const full: ObjectSelection = { ...selection, fields: distinct([...selection.fields, field]) }
  const found = new Map<string, RemoteRecord>()
  for (const literals of batches(literalsOf(object, field, wanted), literalsMax)) {
    const match = `${field} IN (${literals.map(quote).join(', ')})`
    let after = ''
    for (let page = 0; page < findPagesMax; page++) {
      const where = after === '' ? match : `${match} AND Id > ${quote(after)}`
      const soql = `${select(object, full)} WHERE ${where} ORDER BY Id LIMIT ${pageSizeMax}`
      const answer = await query(http, soql)
      if (!answer.ok) return answer
      for (const record of recordsOf(object, full, answer.value.rows)) {
        after = record.id
        if (wanted.has(record.fields[field] ?? '')) found.set(record.id, only(record, selection))
      }
      if (answer.value.rows.length === 0 || (answer.value.done && answer.value.rows.length < pageSizeMax)) break
    }
  }
  return ok([...found.values()])
}

// SOQL compares text without regard to case, but a website is written in many ways.
function literalsOf(object: SalesforceObject, field: string, values: Iterable<string>): string[] {
  if (kindOf(object, field) !== 'domain') return [...values]
  return [...values].flatMap((domain) =>
    ['', 'http://', 'https://'].flatMap((scheme) =>
      ['', 'www.'].flatMap((www) => [`${scheme}${www}${domain}`, `${scheme}${www}${domain}/`]),
    ),
  )
}

function only(record: RemoteRecord, { fields }: ObjectSelection): RemoteRecord {
  return { ...record, fields: Object.fromEntries(fields.map((field) => [field, record.fields[field] ?? null])) }
}

function select(object: SalesforceObject, selection: ObjectSelection): string {
  return `SELECT ${fieldsOf(object, selection).map(fieldName).join(', ')} FROM ${object.remoteName}`
}

function recordsOf(object: SalesforceObject, selection: ObjectSelection, rows: readonly unknown[]): RemoteRecord[] {
  return rows.flatMap((row) => recordOf(object, selection, row) ?? [])
}

function isRecord(entry: unknown): boolean {
  return textOf(bodyOf(entry)['Id']) !== null
}

function pageLimit(pageSize: number): number {
  return Math.min(Math.max(1, pageSize), pageSizeMax)
}
