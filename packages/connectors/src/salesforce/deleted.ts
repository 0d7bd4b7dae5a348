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
import type { Query, QueryPage } from './soql.ts'

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
  const begun = cursor === null ? await begin(http, objectNamed(name).remoteName) : ok(cursor)
  if (!begun.ok) return begun
  const asked = deletedQuery(name, begun.value)
  if (!asked.ok) return asked
  const page = await query(http, asked.value.soql, asked.value.scope)
  return page.ok ? deletedPage(begun.value, page.value) : page
}

/** The question for deletions after a cursor; a failure when the cursor is none. */
export function deletedQuery(name: string, cursor: string): Answer<Query> {
  const position = positionOf(cursor)
  if (position === null) return failed(resync('The cursor of deletions is not one of Salesforce.'))
  const where = `IsDeleted = TRUE AND ${afterPosition(position.modifiedAt, position.id)}`
  const { remoteName } = objectNamed(name)
  return ok({
    soql: `SELECT Id, SystemModstamp FROM ${remoteName} WHERE ${where} ORDER BY SystemModstamp, Id LIMIT ${pageSizeMax}`,
    scope: 'all',
  })
}

/** What its page says. */
export function deletedPage(cursor: string, page: QueryPage): Answer<DeletedPage> {
  const position = positionOf(cursor)
  if (position === null) return failed(resync('The cursor of deletions is not one of Salesforce.'))
  const { modifiedAt, id, askedAt } = position
  const nowMs = dateMs(page.headers)
  if (nowMs !== null && nowMs - Date.parse(askedAt) > sleepMaxMs) {
    return failed(resync('Deletions were not read for longer than the recycle bin keeps them.'))
  }
  const entries = page.rows.flatMap((row) => {
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
  const more = end !== undefined && (!page.done || page.rows.length >= pageSizeMax)
  return ok({ deleted: entries, cursor: encodeCursor({ ...next }), more })
}

// Now, by Salesforce's clock. Without a Date header everything in the bin is reported once, which is safe.
async function begin(http: ConnectorHttp, remoteName: string): Promise<Answer<string>> {
  const page = await query(http, `SELECT Id FROM ${remoteName} LIMIT 1`)
  if (!page.ok) return page
  const nowMs = dateMs(page.value.headers) ?? overlapMs
  const askedAt = new Date(nowMs).toISOString()
  const position: Position = { modifiedAt: new Date(nowMs - overlapMs).toISOString(), id: '', askedAt }
  return ok(encodeCursor({ ...position }))
}

function positionOf(cursor: string): Position | null {
  const state = decodeCursor(cursor)
  const modifiedAt = instantText(state?.['modifiedAt'])
  const askedAt = instantText(state?.['askedAt'])
  const id = textOf(state?.['id']) ?? ''
  return modifiedAt === null || askedAt === null || (id !== '' && !isId(id)) ? null : { modifiedAt, id, askedAt }
}
