// A contact's primary company, as the reference `company`. Owns the association endpoints and type ids.
// Setting a reference makes that company primary and leaves others associated; clearing it removes the
// association to the primary company, because HubSpot promotes a lone unlabelled company again.
// https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
import { failed, ok } from '../kit/answers.ts'
import type { Answer, RemoteRecord, ObjectSelection } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { batches, distinct } from '../kit/batches.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { company, contact } from './description.ts'
import { classify } from './failures.ts'
import { associationPath } from './objects.ts'

const readSizeMax = 1000
const primaryTypeId = 1
/** v3 name of the same type, as the list endpoint gives it. */
const primaryTypeName = 'contact_to_company'
const category = 'HUBSPOT_DEFINED'

type References = RemoteRecord['references']
const none: References = {}

export function wantsCompany(selection: ObjectSelection): boolean {
  return selection.object === contact.name && selection.references.includes('company')
}

/** The association a create is sent with. */
export function associationsToSend(references: References): JsonObject[] {
  const companyId = references['company'] ?? null
  return companyId === null ? [] : [{ to: { id: companyId }, types: [primaryType] }]
}

/** References of a record on a list page, whose associations come with it. */
export function referencesOnPage(selection: ObjectSelection, raw: unknown): References {
  if (!wantsCompany(selection)) return none
  const companies = objectOf(objectOf(objectOf(raw)['associations'])['companies'])
  const entries = arrayOf(companies['results']).map((entry) => objectOf(entry))
  const primary = entries.find((entry) => textOf(entry['type']) === primaryTypeName)
  return { company: primary ? textOf(primary['id']) : null }
}

/** References of many records, by record id. One call per 1,000 records; none when they are not asked for. */
export async function readReferences(
  http: ConnectorHttp,
  selection: ObjectSelection,
  ids: readonly string[],
): Promise<Answer<ReadonlyMap<string, References>>> {
  const found = new Map<string, References>()
  if (!wantsCompany(selection)) return ok(found)
  for (const id of ids) found.set(id, { company: null })
  for (const batch of batches(distinct(ids), readSizeMax)) {
    const answer = await http.request({
      method: 'POST',
      path: associationPath(contact, company, 'read'),
      json: { inputs: batch.map((id) => ({ id })) },
    })
    const failure = classify(answer)
    if (failure) return failed(failure)
    // A contact without companies is an error entry here, which is exactly: no reference.
    for (const entry of arrayOf(objectOf(answer.body)['results']).map((result) => objectOf(result))) {
      const from = textOf(objectOf(entry['from'])['id'])
      if (from !== null && found.has(from)) found.set(from, { company: primaryOf(entry) })
    }
  }
  return ok(found)
}

/** Makes the company the contact's primary one, for each pair. All or nothing in HubSpot: an unknown id refuses the call. */
export async function setCompanies(
  http: ConnectorHttp,
  pairs: readonly (readonly [contactId: string, companyId: string])[],
): Promise<Answer<null>> {
  return send(
    http,
    'create',
    pairs.map(([from, to]) => ({ from: { id: from }, to: { id: to }, types: [primaryType] })),
  )
}

/** Removes each contact's association with its primary company. Contacts without one stay as they are. */
export async function clearCompanies(http: ConnectorHttp, contactIds: readonly string[]): Promise<Answer<null>> {
  const selection: ObjectSelection = { object: contact.name, fields: [], references: ['company'] }
  const current = await readReferences(http, selection, contactIds)
  if (!current.ok) return current
  const inputs = [...current.value].flatMap(([from, references]) => {
    const to = references['company'] ?? null
    return to === null ? [] : [{ from: { id: from }, to: [{ id: to }] }]
  })
  return send(http, 'archive', inputs)
}

const primaryType = { associationCategory: category, associationTypeId: primaryTypeId }

async function send(
  http: ConnectorHttp,
  verb: 'create' | 'archive',
  inputs: readonly JsonObject[],
): Promise<Answer<null>> {
  if (inputs.length === 0) return ok(null)
  const answer = await http.request({ method: 'POST', path: associationPath(contact, company, verb), json: { inputs } })
  const failure = classify(answer)
  if (failure) return failed(failure)
  return ok(null)
}

function primaryOf(entry: JsonObject): string | null {
  const primary = arrayOf(entry['to'])
    .map((to) => objectOf(to))
    .find((to) => arrayOf(to['associationTypes']).some((type) => objectOf(type)['typeId'] === primaryTypeId))
  return primary ? textOf(primary['toObjectId']) : null
}
