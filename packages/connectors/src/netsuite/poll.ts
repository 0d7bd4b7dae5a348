// Records that changed after an instant. The engine names instants in UTC and SuiteQL the account's clocks, so a
// poll begins with the newest records: they teach the zone, and nearly always are all there is to tell. Only where
// more changed is it walked from the earliest time that the clocks can have shown at that instant; clocks that were
// put back meanwhile show it again, and nothing is passed over.
import { failed, ok, resync } from '../kit/answers.ts'
import { instantText } from '../kit/canonical.ts'
import type { Answer, ObjectSelection, PollPage, PollPosition, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import type { NetsuiteObject } from './description.ts'
import { objectNamed } from './objects.ts'
import { pageAfter, pageLimit, placeOf, placeText, select } from './read.ts'
import type { Place } from './read.ts'
import { datedRows, recordsOf } from './rows.ts'
import type { DatedRow } from './rows.ts'
import { query } from './suiteql.ts'
import { Clocks } from './zones.ts'

/** Records that a poll looks at first. */
const newestMax = 50

export async function poll(
  http: ConnectorHttp,
  selection: ObjectSelection,
  position: PollPosition,
  pageSize: number,
): Promise<Answer<PollPage>> {
  const object = objectNamed(selection.object)
  const place = placeIn(position)
  if (instantText(position.modifiedAt) === null || (position.id !== '' && place === null)) {
    return failed(resync('The position is not one of NetSuite.'))
  }
  const clocks = new Clocks()
  if (place !== null) return walk(http, object, selection, place, position, pageSize, clocks)

  const limit = Math.min(pageLimit(pageSize), newestMax)
  const order = `ORDER BY t.${object.modifiedColumn} DESC, t.id DESC`
  const page = await query(http, `${select(object, selection, [])} ${order}`, limit)
  if (!page.ok) return page
  const rows = datedRows(page.value.rows)
  const [newest] = rows
  const oldest = rows.at(-1)
  if (newest === undefined || oldest === undefined) return ok({ records: [], position, more: false })
  const known = await recordsOf(
    http,
    object,
    { object: selection.object, fields: [], references: [] },
    [newest],
    clocks,
  )
  if (!known.ok) return known
  const from = clocks.lowest(Date.parse(position.modifiedAt))
  if (page.value.more && oldest.wall >= from) {
    return walk(http, object, selection, { wall: from, id: '' }, position, pageSize, clocks)
  }
  const due = rows.filter(({ wall }) => wall >= from).toReversed()
  const records = await recordsOf(http, object, selection, due, clocks)
  return records.ok ? ok(pageOf(records.value, due, position, false)) : records
}

async function walk(
  http: ConnectorHttp,
  object: NetsuiteObject,
  selection: ObjectSelection,
  after: Place,
  position: PollPosition,
  pageSize: number,
  clocks: Clocks,
): Promise<Answer<PollPage>> {
  const page = await pageAfter(http, object, selection, after, pageSize)
  if (!page.ok) return page
  const records = await recordsOf(http, object, selection, page.value.rows, clocks)
  return records.ok ? ok(pageOf(records.value, page.value.rows, position, page.value.more)) : records
}

/** The records since the position, in the order of instants; the next page begins where the rows ended. */
function pageOf(
  records: readonly RemoteRecord[],
  rows: readonly DatedRow[],
  position: PollPosition,
  more: boolean,
): PollPage {
  const due = records
    .filter(({ modifiedAt }) => position.id !== '' || modifiedAt >= position.modifiedAt)
    .toSorted((a, b) => byText(a.modifiedAt, b.modifiedAt) || Number(a.id) - Number(b.id))
  const end = rows.at(-1)
  const last = records.at(-1)
  if (end === undefined || last === undefined || (due.length === 0 && !more)) return { records: due, position, more }
  const { wall, id } = placeText(end)
  return { records: due, position: { modifiedAt: last.modifiedAt, id: `${wall}|${id}` }, more }
}

/** The place that a position of ours carries; null for an instant alone. */
function placeIn({ id }: PollPosition): Place | null {
  const [wall, recordId] = id.split('|')
  return placeOf({ wall, id: recordId ?? '?' })
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
