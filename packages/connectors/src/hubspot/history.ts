// What properties held before, by record: how an edit is found that one of our writes went over. Owns the batch read with
// history; what follows from it is the engine's. Associations have no history.
import { ok } from '../kit/answers.ts'
import { batches, distinct } from '../kit/batches.ts'
import { instantText } from '../kit/canonical.ts'
import type { Answer, ObjectSelection } from '../kit/connector.ts'
import type { FieldHistory, RecordHistory, ValueVersion } from '../kit/history.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import type { HubspotObject } from './object.ts'
import { objectOf as objectOfSelection, objectPath } from './objects.ts'
import { resultsIn } from './results.ts'
import { canonicalField } from './records.ts'

/** HubSpot's own words name this number: https://github.com/PipedreamHQ/pipedream/pull/8462 */
export const recordsMax = 50

export const history: FieldHistory = {
  recordsMax,

  // Archived records are told of by a call of their own, which is made for what the first one left out only.
  async read(http, selection, ids) {
    const alive = await readState(http, selection, distinct(ids), false)
    if (!alive.ok) return alive
    const found = new Set(alive.value.map(({ id }) => id))
    const rest = distinct(ids).filter((id) => !found.has(id))
    const archived = await readState(http, selection, rest, true)
    return archived.ok ? ok([...alive.value, ...archived.value]) : archived
  },
}

async function readState(
  http: ConnectorHttp,
  selection: ObjectSelection,
  ids: readonly string[],
  archived: boolean,
): Promise<Answer<readonly RecordHistory[]>> {
  const object = objectOfSelection(selection)
  const found: RecordHistory[] = []
  for (const batch of batches(ids, recordsMax)) {
    const answer = await http.request({
      method: 'POST',
      path: objectPath(object, `/batch/read?archived=${archived}`),
      json: {
        inputs: batch.map((id) => ({ id })),
        properties: [object.modifiedProperty],
        propertiesWithHistory: selection.fields,
      },
    })
    // Nothing found may be a 404 or a 207 with the ids as an error; both say: none of them.
    if (answer.status === 404 && objectOf(answer.body)['category'] === 'OBJECT_NOT_FOUND') continue
    const results = resultsIn(answer)
    if (!results.ok) return results
    for (const raw of results.value) {
      const id = textOf(raw['id'])
      if (id !== null) found.push({ id, fields: fieldsOf(object, selection, raw) })
    }
  }
  return ok(found)
}

function fieldsOf(object: HubspotObject, { fields }: ObjectSelection, raw: unknown): RecordHistory['fields'] {
  const told = objectOf(objectOf(raw)['propertiesWithHistory'])
  return Object.fromEntries(
    fields.map((field) => [field, arrayOf(told[field]).flatMap((version) => versionOf(object, field, version) ?? [])]),
  )
}

/** Null where it has no time: it says nothing then. */
function versionOf(object: HubspotObject, field: string, raw: unknown): ValueVersion | null {
  const version = objectOf(raw)
  const at = instantText(version['timestamp'])
  return at === null ? null : { value: canonicalField(object, field, version['value']), at }
}
