// Deletions: HubSpot has no feed of them, only a listing of archived records in id order. The cursor is
// a walk through that listing: what was archived since the last walk is reported, and a finished walk
// remembers the newest deletion it saw. Webhooks tell of deletions at once; this finds the ones they lost.
// A walk costs one call per 100 records archived in the last 90 days.
import { dateMs, failed, ok, resync } from '../kit/answers.ts'
import { decodeCursor, encodeCursor } from '../kit/batches.ts'
import { instantText } from '../kit/canonical.ts'
import type { Answer, DeletedPage } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { textOf } from '../kit/reading.ts'
import { listPageMax } from './description.ts'
import { objectNamed, objectPath } from './objects.ts'
import { afterOf } from './records.ts'
import { resultsIn } from './results.ts'

/** Deletions this much older than the newest one known are reported again: two nodes' clocks may differ. */
export const overlapMs = 60_000

interface Walk {
  /** Deletions from here on are reported. */
  readonly since: string
  /** The newest deletion seen so far. */
  readonly newest: string
  /** Where the listing goes on; null at its start. */
  readonly after: string | null
}

export async function deleted(http: ConnectorHttp, name: string, cursor: string | null): Promise<Answer<DeletedPage>> {
  const object = objectNamed(name)
  const known = cursor === null ? null : walkOf(cursor)
  if (cursor !== null && known === null) return failed(resync('The cursor of deletions is not one of HubSpot.'))
  const query = new URLSearchParams({
    archived: 'true',
    limit: String(listPageMax),
    properties: object.modifiedProperty,
    ...(known?.after ? { after: known.after } : {}),
  })
  const answer = await http.request({ method: 'GET', path: `${objectPath(object)}?${query.toString()}` })
  const results = resultsIn(answer)
  if (!results.ok) return results
  const walk = known ?? beginning(dateMs(answer.headers))
  const entries = results.value.flatMap((raw) => {
    const id = textOf(raw['id'])
    const deletedAt = instantText(raw['archivedAt'])
    return id === null || deletedAt === null ? [] : [{ id, deletedAt }]
  })
  const newest = entries.reduce((latest, { deletedAt }) => (deletedAt > latest ? deletedAt : latest), walk.newest)
  const after = afterOf(answer.body)
  const next: Walk =
    after === null ? { since: earlier(newest), newest, after: null } : { since: walk.since, newest, after }
  return ok({
    deleted: entries.filter(({ deletedAt }) => deletedAt >= walk.since),
    cursor: encodeCursor({ ...next }),
    more: after !== null,
  })
}

// Without a Date header everything archived is reported once, which is safe: a tombstone of a record nobody has.
function beginning(nowMs: number | null): Walk {
  const newest = new Date(nowMs ?? overlapMs).toISOString()
  return { since: earlier(newest), newest, after: null }
}

function earlier(instant: string): string {
  return new Date(Math.max(0, Date.parse(instant) - overlapMs)).toISOString()
}

function walkOf(cursor: string): Walk | null {
  const state = decodeCursor(cursor)
  const since = instantText(state?.['since'])
  const newest = instantText(state?.['newest'])
  return since === null || newest === null ? null : { since, newest, after: textOf(state?.['after']) }
}
