// What became of records that a merge took away: they are deleted, and name the record that took them in.
// https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_contact.htm
import { ok } from '../kit/answers.ts'
import { batches, distinct } from '../kit/batches.ts'
import type { Answer, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { textOf } from '../kit/reading.ts'
import type { SalesforceObject } from './object.ts'
import { isId, longId } from './objects.ts'
import { query, quote } from './soql.ts'

/** Ids of one IN; keeps the address far below the 16 KiB Salesforce takes. */
const literalsMax = 200
/** A winner may have lost a later merge; nobody merges a record away this often. */
const mergesMax = 10

/** Adds the winners of ids that are gone, each with the ids it took in. */
export async function withWinners(
  http: ConnectorHttp,
  object: SalesforceObject,
  wanted: readonly string[],
  found: readonly RemoteRecord[],
  retrieve: (ids: readonly string[]) => Promise<Answer<readonly RemoteRecord[]>>,
): Promise<Answer<readonly RemoteRecord[]>> {
  const present = new Set(found.map(({ id }) => id))
  const gone = wanted.map(longId).filter((id) => !present.has(id))
  const winners = await winnersOf(http, object, gone)
  if (!winners.ok || winners.value.size === 0) return winners.ok ? ok(found) : winners
  const missing = distinct(winners.value.values()).filter((id) => !present.has(id))
  const added = missing.length === 0 ? ok([]) : await retrieve(missing)
  if (!added.ok) return added
  const taken = new Map<string, string[]>()
  for (const [loser, winner] of winners.value) taken.set(winner, [...(taken.get(winner) ?? []), loser])
  return ok(
    [...found, ...added.value].map((record) => {
      const mergedIds = taken.get(record.id)
      return mergedIds === undefined ? record : { ...record, mergedIds }
    }),
  )
}

/** Loser → the record that is left at the end of all its merges. */
async function winnersOf(
  http: ConnectorHttp,
  object: SalesforceObject,
  ids: readonly string[],
): Promise<Answer<ReadonlyMap<string, string>>> {
  const winners = new Map<string, string>()
  let open = ids
  for (let merges = 0; merges < mergesMax && open.length > 0; merges++) {
    const masters = await mastersOf(http, object, open)
    if (!masters.ok) return masters
    for (const id of ids) {
      const master = masters.value.get(winners.get(id) ?? id)
      if (master !== undefined) winners.set(id, master)
    }
    open = distinct(masters.value.values())
  }
  return ok(winners)
}

async function mastersOf(
  http: ConnectorHttp,
  { remoteName }: SalesforceObject,
  ids: readonly string[],
): Promise<Answer<ReadonlyMap<string, string>>> {
  const masters = new Map<string, string>()
  for (const batch of batches(ids, literalsMax)) {
    const where = `IsDeleted = TRUE AND MasterRecordId != null AND Id IN (${batch.map(quote).join(', ')})`
    const page = await query(http, `SELECT Id, MasterRecordId FROM ${remoteName} WHERE ${where}`, 'all')
    if (!page.ok) return page
    for (const row of page.value.rows) {
      const [id, master] = [textOf(row['Id']), textOf(row['MasterRecordId'])]
      if (id !== null && master !== null && isId(master)) masters.set(longId(id), longId(master))
    }
  }
  return ok(masters)
}
