// Deletions, from the recycle bin: queryAll in the order (SystemModstamp, Id) from a cursor of its own.
// Chosen over the replication endpoint `/deleted/`, which needs a clock and truncates to seconds on
// both ends. What left the bin (15 days, or emptied by a person) is not seen here: a cursor that slept
// longer asks for a resync.
import { dateMs, failed, ok, resync } from '../kit/answers.ts'
import { decodeCursor, encodeCursor } from '../kit/batches.ts'
import { instantText } from '../kit/canonical.ts'
import type { Answer, DeletedPage } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { textOf } from '../kit/reading.ts'
import { pageSizeMax } from './description.ts'
import { isId, objectNamed } from './objects.ts'
import { afterPosition, query } from './soql.ts'

/** A day less than the recycle bin keeps. */
export const sleepMaxMs = 14 * 86_400_000
/** Deletions this much older than the beginning are reported: their transactions may commit later. */
export const overlapMs = 60_000

interface Position {
  readonly modifiedAt: string
  readonly id: string
  /** Salesforce's clock at the last call. */
  readonly askedAt: string
}

export async function deleted(http: ConnectorHttp, name: string, cursor: string | null): Promise<Answer<DeletedPage>> {
  const object = objectNamed(name)
  const position = cursor === null ? await begin(http, object.remoteName) : ok(positionOf(cursor))
  if (!position.ok) return position
  if (position.value === null) return failed(resync('The cursor of deletions is not one of Salesforce.'))
  const { modifiedAt, id, askedAt } = position.value
  const where = `IsDeleted = TRUE AND ${afterPosition(modifiedAt, id)}`
  const soql = `SELECT Id, SystemModstamp FROM ${object.remoteName} WHERE ${where} ORDER BY SystemModstamp, Id LIMIT ${pageSizeMax}`
  const page = await query(http, soql, 'all')
  if (!page.ok) return page
  const nowMs = dateMs(page.value.headers)
  if (nowMs !== null && nowMs - Date.parse(askedAt) > sleepMaxMs) {
    return failed(resync('Deletions were not read for longer than the recycle bin keeps them.'))
  }
  const entries = page.value.rows.flatMap((row) => {
    const rowId = textOf(row['Id'])
    const deletedAt = instantText(row['SystemModstamp'])
    return rowId === null || deletedAt === null ? [] : [{ id: rowId, deletedAt }]
  })
  const end = entries.at(-1)
  const next: Position = {
    modifiedAt: end?.deletedAt ?? modifiedAt,
    id: end?.id ?? id,
    askedAt: nowMs === null ? askedAt : new Date(nowMs).toISOString(),
  }
  const more = end !== undefined && (!page.value.done || page.value.rows.length >= pageSizeMax)
  return ok({ deleted: entries, cursor: encodeCursor({ ...next }), more })
}

// Now, by Salesforce's clock. Without a Date header everything in the bin is reported once, which is safe.
async function begin(http: ConnectorHttp, remoteName: string): Promise<Answer<Position>> {
  const page = await query(http, `SELECT Id FROM ${remoteName} LIMIT 1`)
  if (!page.ok) return page
  const nowMs = dateMs(page.value.headers) ?? overlapMs
  const askedAt = new Date(nowMs).toISOString()
  return ok({ modifiedAt: new Date(nowMs - overlapMs).toISOString(), id: '', askedAt })
}

function positionOf(cursor: string): Position | null {
  const state = decodeCursor(cursor)
  const modifiedAt = instantText(state?.['modifiedAt'])
  const askedAt = instantText(state?.['askedAt'])
  const id = textOf(state?.['id']) ?? ''
  return modifiedAt === null || askedAt === null || (id !== '' && !isId(id)) ? null : { modifiedAt, id, askedAt }
}
