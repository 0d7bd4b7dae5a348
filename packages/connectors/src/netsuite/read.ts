// Reads: all records, records by id or by value. A walk over all goes by (date of change, id), never by id alone or
// by offset: what changes while it is under way moves ahead of it and is seen again, and there is no end at
// 100,000 rows.
import { failed, ok, resync, retry } from '../kit/answers.ts'
import { batches, decodeCursor, distinct, encodeCursor } from '../kit/batches.ts'
import type { Answer, FindBy, ObjectSelection, RecordPage, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { pageSizeMax } from './description.ts'
import type { NetsuiteObject } from './description.ts'
import { canonicalField, columnOf, isId, kindOf, objectNamed } from './objects.ts'
import { datedRows, recordsOf, selectList, tokenColumn } from './rows.ts'
import type { DatedRow } from './rows.ts'
import { formatWall, parseWall, query, quote, wallLiteral } from './suiteql.ts'
import { Clocks } from './zones.ts'

/** Literals of one IN; Oracle takes 1,000. */
const literalsMax = 500
/** Pages read for one IN: as many records as have one value. */
const findPagesMax = 100

/** A place in the order (date of change by the account's clocks, id). */
export interface Place {
  readonly wall: number
  readonly id: string
}

export async function list(
  http: ConnectorHttp,
  selection: ObjectSelection,
  cursor: string | null,
  pageSize: number,
): Promise<Answer<RecordPage>> {
  const object = objectNamed(selection.object)
  const after = cursor === null ? null : placeOf(decodeCursor(cursor))
  if (cursor !== null && after === null) return failed(resync('The cursor is not one of NetSuite.'))
  const page = await pageAfter(http, object, selection, after, pageSize)
  if (!page.ok) return page
  const { rows, more } = page.value
  const records = await recordsOf(http, object, selection, rows, new Clocks())
  if (!records.ok) return records
  const end = rows.at(-1)
  return ok({ records: records.value, next: more && end ? encodeCursor(placeText(end)) : null })
}

/** The page after a place, in the order; `after` null begins at the first record there is. */
export async function pageAfter(
  http: ConnectorHttp,
  object: NetsuiteObject,
  selection: ObjectSelection,
  after: Place | null,
  pageSize: number,
): Promise<Answer<{ readonly rows: DatedRow[]; readonly more: boolean }>> {
  const position = after === null ? [] : [afterPlace(`t.${object.modifiedColumn}`, 't.id', after)]
  const order = `ORDER BY t.${object.modifiedColumn}, t.id`
  const page = await query(http, `${select(object, selection, position)} ${order}`, pageLimit(pageSize))
  if (!page.ok) return page
  const rows = datedRows(page.value.rows)
  // A proxy may give the page before once more, and the walk would take it for the next.
  if (after !== null && rows.some((row) => !isAfter(row, after))) return failed(retry('NetSuite repeated a page.'))
  return ok({ rows, more: page.value.more && rows.length > 0 })
}

/** Rows strictly after a place; with id '' those of its second too. */
export function afterPlace(dateColumn: string, idColumn: string, { wall, id }: Place): string {
  const at = wallLiteral(wall)
  if (id === '') return `${dateColumn} >= ${at}`
  return `(${dateColumn} > ${at} OR (${dateColumn} = ${at} AND ${idColumn} > ${id}))`
}

function isAfter({ wall, id }: Place, after: Place): boolean {
  if (wall !== after.wall || after.id === '') return wall >= after.wall
  return Number(id) > Number(after.id)
}

export function placeText({ wall, id }: Place): { readonly wall: string; readonly id: string } {
  return { wall: formatWall(wall), id }
}

/** The place that was written down; null when it is none. */
export function placeOf(state: Readonly<Record<string, unknown>> | null): Place | null {
  const wall = parseWall(state?.['wall'])
  const id = state?.['id']
  return wall === null || typeof id !== 'string' || (id !== '' && !isId(id)) ? null : { wall, id }
}

export async function get(
  http: ConnectorHttp,
  selection: ObjectSelection,
  ids: readonly string[],
): Promise<Answer<readonly RemoteRecord[]>> {
  const object = objectNamed(selection.object)
  const clocks = new Clocks()
  const found: RemoteRecord[] = []
  for (const batch of batches(distinct(ids.filter(isId)), literalsMax)) {
    const page = await query(http, select(object, selection, [`t.id IN (${batch.join(', ')})`]), pageSizeMax)
    if (!page.ok) return page
    const records = await recordsOf(http, object, selection, datedRows(page.value.rows), clocks)
    if (!records.ok) return records
    found.push(...records.value)
  }
  return ok(found)
}

export async function find(
  http: ConnectorHttp,
  selection: ObjectSelection,
  by: FindBy,
): Promise<Answer<readonly RemoteRecord[]>> {
  const object = objectNamed(selection.object)
  const { definition } = selection
  const clocks = new Clocks()
  const found = new Map<string, RemoteRecord>()
  const wanted = new Set(
    by.values.flatMap((value) =>
      by.kind === 'create_token' ? value : (canonicalField(object, by.field, value, definition) ?? []),
    ),
  )
  const full: ObjectSelection =
    by.kind === 'create_token' ? selection : { ...selection, fields: distinct([...selection.fields, by.field]) }
  for (const literals of batches(literalsOf(object, by, wanted, selection), literalsMax)) {
    const column = by.kind === 'create_token' ? tokenColumn : `LOWER(${columnOf(object, by.field)})`
    const match = `${column} IN (${literals.map(quote).join(', ')})`
    let after = ''
    for (let page = 0; page < findPagesMax; page++) {
      const where = after === '' ? [match] : [match, `t.id > ${after}`]
      const answer = await query(http, `${select(object, full, where)} ORDER BY t.id`, pageSizeMax)
      if (!answer.ok) return answer
      const rows = datedRows(answer.value.rows)
      const records = await recordsOf(http, object, full, rows, clocks)
      if (!records.ok) return records
      for (const record of records.value) {
        const value = by.kind === 'create_token' ? record.createToken : record.fields[by.field]
        if (wanted.has(value ?? '')) found.set(record.id, only(record, selection))
      }
      after = rows.at(-1)?.id ?? ''
      if (!answer.value.more || after === '') break
    }
  }
  return ok([...found.values()])
}

// SuiteQL compares text as it is, and an address of the web is written in many ways.
function literalsOf(
  object: NetsuiteObject,
  by: FindBy,
  values: Iterable<string>,
  { definition }: ObjectSelection,
): string[] {
  if (by.kind === 'create_token') return [...values]
  const lower = [...values].map((value) => value.toLowerCase())
  if (kindOf(object, by.field, definition) !== 'domain') return lower
  return lower.flatMap((domain) =>
    ['', 'http://', 'https://'].flatMap((scheme) =>
      ['', 'www.'].flatMap((www) => [`${scheme}${www}${domain}`, `${scheme}${www}${domain}/`]),
    ),
  )
}

function only(record: RemoteRecord, { fields }: ObjectSelection): RemoteRecord {
  return { ...record, fields: Object.fromEntries(fields.map((field) => [field, record.fields[field] ?? null])) }
}

/** `select … from … where …` of a selection, with all conditions of the object and these. */
export function select(object: NetsuiteObject, selection: ObjectSelection, where: readonly string[]): string {
  const conditions = [...(object.where === null ? [] : [object.where]), ...where]
  const clause = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  return `SELECT ${selectList(object, selection)} FROM ${object.table} t${clause}`
}

export function pageLimit(pageSize: number): number {
  return Math.min(Math.max(1, pageSize), pageSizeMax)
}
