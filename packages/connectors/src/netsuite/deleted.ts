// Deletions, from the table that NetSuite keeps of them, in the order (date, id) from a cursor of its own. A merge
// is a deletion of the record that was merged away. There is no recycle bin: nothing comes back.
// https://timdietrich.me/blog/netsuite-suiteql-query-deleted-records/
import { dateMs, failed, ok, resync } from '../kit/answers.ts'
import { decodeCursor, encodeCursor } from '../kit/batches.ts'
import type { Answer, DeletedPage } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { textOf } from '../kit/reading.ts'
import { pageSizeMax } from './description.ts'
import { isId, objectNamed } from './objects.ts'
import { afterPlace, placeOf, placeText } from './read.ts'
import type { Place } from './read.ts'
import { parseWall, query, quote, wallText } from './suiteql.ts'
import { Clocks } from './zones.ts'

/** Deletions this much older than the last one known are reported again: their transactions may commit later. */
export const overlapMs = 60_000
/** Before any deletion. */
const beginning: Place = { wall: 0, id: '0' }

interface Cursor {
  /** The last deletion known. */
  readonly last: Place
  /** Where a walk that was longer than a page goes on; null between walks. */
  readonly at: Place | null
}

export async function deleted(http: ConnectorHttp, name: string, cursor: string | null): Promise<Answer<DeletedPage>> {
  const object = objectNamed(name)
  const known = cursor === null ? null : cursorOf(cursor)
  if (cursor !== null && known === null) return failed(resync('The cursor of deletions is not one of NetSuite.'))
  const from = `SELECT d.recordid AS id, ${wallText('d.deleteddate')} AS deleted FROM deletedrecord d
WHERE LOWER(d.type) = ${quote(object.remoteName.toLowerCase())}`
  if (known === null) {
    const newest = await query(http, `${from} ORDER BY d.deleteddate DESC, d.recordid DESC`, 1)
    if (!newest.ok) return newest
    const [last = beginning] = placesOf(newest.value.rows)
    return ok({ deleted: [], cursor: textOfCursor({ last, at: null }), more: false })
  }
  const clocks = new Clocks()
  // Clocks that are put back show a time again: what is deleted then comes before what is known.
  const low: Place = { wall: clocks.lowestAfter(known.last.wall) - overlapMs, id: '' }
  const where = afterPlace('d.deleteddate', 'd.recordid', known.at ?? low)
  const page = await query(http, `${from} AND ${where} ORDER BY d.deleteddate, d.recordid`, pageSizeMax)
  if (!page.ok) return page
  const places = placesOf(page.value.rows)
  const end = places.at(-1)
  const more = page.value.more && end !== undefined
  const last = end !== undefined && isLater(end, known.last) ? end : known.last
  const nowMs = dateMs(page.value.headers)
  return ok({
    deleted: places.map(({ id, wall }) => ({ id, deletedAt: deletedAt(clocks, wall, nowMs) })),
    cursor: textOfCursor({ last, at: more ? end : null }),
    more,
  })
}

/** The latest instant it may have been, but not later than now: a version that no version of the record is above. */
function deletedAt(clocks: Clocks, wall: number, nowMs: number | null): string {
  const possible = clocks.instants(wall)
  const past = possible.filter((at) => nowMs === null || at <= nowMs + 1000)
  return new Date(past.at(-1) ?? possible[0] ?? wall).toISOString()
}

function placesOf(rows: readonly Readonly<Record<string, unknown>>[]): Place[] {
  return rows.flatMap((row) => {
    const id = textOf(row['id'])
    const wall = parseWall(row['deleted'])
    return id === null || !isId(id) || wall === null ? [] : [{ wall, id }]
  })
}

function isLater(a: Place, b: Place): boolean {
  return a.wall > b.wall || (a.wall === b.wall && Number(a.id) > Number(b.id))
}

function textOfCursor({ last, at }: Cursor): string {
  return encodeCursor({ ...placeText(last), at: at === null ? null : placeText(at) })
}

function cursorOf(text: string): Cursor | null {
  const state = decodeCursor(text)
  const last = placeOf(state)
  if (last === null) return null
  const at = state?.['at']
  return { last, at: at === null || typeof at !== 'object' ? null : placeOf(at as Readonly<Record<string, unknown>>) }
}
