// What changed and what was deleted in a span of time. Owns the limits of the spans: 30 days back for
// updates, 15 for deletions, seconds ignored, at least a minute.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getupdated.htm
import { SalesforceRefusal } from './errors.ts'
import { objectOf } from './operation.ts'
import type { Answer, Route, Run } from './operation.ts'
import { recycleBinMs } from './records.ts'
import { formatInstant, parseInstant } from './values.ts'

const dayMs = 86_400_000
const minuteMs = 60_000
const updatedBackMs = 30 * dayMs
export const replicationIdsMax = 600_000

export const replicationRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/sobjects/:object/updated', run: updated },
  { method: 'GET', pattern: '/sobjects/:object/deleted', run: deleted },
]

function updated(run: Run): Answer {
  const { start, end } = readSpan(run, updatedBackMs)
  const ids: string[] = []
  for (const record of run.organization.records.all(objectOf(run.organization, run.path['object']))) {
    if (record.deletedAt === undefined && record.modifiedAt >= start && record.modifiedAt < end) ids.push(record.id)
  }
  checkCount(ids)
  return { status: 200, body: { ids, latestDateCovered: latestCovered(run, end) } }
}

function deleted(run: Run): Answer {
  const { start, end } = readSpan(run, recycleBinMs)
  const deletedRecords: { id: string; deletedDate: string }[] = []
  for (const { id, deletedAt } of run.organization.records.all(objectOf(run.organization, run.path['object']))) {
    if (deletedAt !== undefined && deletedAt >= start && deletedAt < end)
      deletedRecords.push({ id, deletedDate: formatInstant(deletedAt) })
  }
  checkCount(deletedRecords)
  const earliestDateAvailable = formatInstant(run.world.now() - recycleBinMs)
  return { status: 200, body: { deletedRecords, earliestDateAvailable, latestDateCovered: latestCovered(run, end) } }
}

function readSpan({ operation, world }: Run, backMs: number): { start: number; end: number } {
  const [start, end] = ['start', 'end'].map((name) => {
    // A plus sign that was not encoded arrives as a space.
    const text = (operation.query.get(name) ?? '').replace(' ', '+')
    const instant = parseInstant(text)
    if (instant === undefined)
      throw refuse(`${name}: a date and time with a time zone is needed, not ${text.slice(0, 40)}`)
    return Math.floor(instant / minuteMs) * minuteMs
  }) as [number, number]
  if (end - start < minuteMs) throw refuse('endDate must be at least one minute greater than the startDate')
  if (start < world.now() - backMs - minuteMs) throw refuse(`startDate cannot be more than ${backMs / dayMs} days ago`)
  return { start, end }
}

function latestCovered({ world }: Run, end: number): string {
  return formatInstant(Math.min(end, Math.floor(world.now() / minuteMs) * minuteMs))
}

function checkCount(found: readonly unknown[]): void {
  if (found.length <= replicationIdsMax) return
  throw new SalesforceRefusal(400, 'EXCEEDED_ID_LIMIT', `too many ids: more than ${replicationIdsMax}`)
}

function refuse(message: string): SalesforceRefusal {
  return new SalesforceRefusal(400, 'INVALID_REPLICATION_DATE', message)
}
