// References as HubSpot holds them: associations of a type. Owns the association endpoints; which type a
// reference is, is the object's. Where HubSpot knows a primary one (companies), that is the reference: setting
// it makes another one primary and leaves the others associated, clearing it removes the association, because
// HubSpot promotes a lone unlabelled company again. Where it knows none, the reference is the associated record
// with the lowest id; what would leave another one lowest is refused, since nobody could tell which is meant.
// https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
import { RowhouseError } from '@rowhouse/contracts'
import { failed, ok, park } from '../kit/answers.ts'
import type { Answer, RemoteRecord, ObjectSelection } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { batches, distinct } from '../kit/batches.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { classify } from './failures.ts'
import type { HubspotAssociation, HubspotObject } from './object.ts'
import { associationPath, customType, objectNamed } from './objects.ts'
import { resultsIn } from './results.ts'

const readSizeMax = 1000

type References = RemoteRecord['references']

/** @throws invalid_option for a reference that neither the description nor the selection's definition knows. */
export function associationFor(object: HubspotObject, reference: string): HubspotAssociation {
  const found = Object.hasOwn(object.associations, reference) ? object.associations[reference] : undefined
  if (found) return found
  throw new RowhouseError('invalid_option', `The reference ${reference} of ${object.name} has no definition.`)
}

/** The associations a create is sent with. */
export function associationsToSend(object: HubspotObject, references: References): JsonObject[] {
  return Object.entries(references).flatMap(([reference, id]) =>
    id === null ? [] : [{ to: { id }, types: [typeOf(associationFor(object, reference))] }],
  )
}

/** Whether the records of a list page bring these references along: HubSpot names custom types in its own way there. */
export function comesWithList(object: HubspotObject, { references }: ObjectSelection): boolean {
  return !customType.test(object.name) && references.every((name) => !customType.test(associationFor(object, name).to))
}

/** Value of the list's `associations` parameter. */
export function listedAssociations(object: HubspotObject, { references }: ObjectSelection): string {
  return distinct(references.map((name) => objectNamed(associationFor(object, name).to).path)).join(',')
}

/** References of a record on a list page. */
export function referencesOnPage(object: HubspotObject, { references }: ObjectSelection, raw: unknown): References {
  const associations = objectOf(objectOf(raw)['associations'])
  return Object.fromEntries(
    references.map((name) => {
      const { to, primary } = associationFor(object, name)
      const entries = arrayOf(objectOf(associations[objectNamed(to).path])['results']).map((entry) => objectOf(entry))
      // The v3 name of the primary type is the bare one; the others have a suffix.
      const ours = primary ? entries.filter((entry) => textOf(entry['type']) === `${object.name}_to_${to}`) : entries
      return [name, lowest(ours.flatMap((entry) => textOf(entry['id']) ?? []))]
    }),
  )
}

/** References of many records, by record id. One call a reference and 1,000 records; none when none are asked for. */
export async function readReferences(
  http: ConnectorHttp,
  object: HubspotObject,
  { references }: ObjectSelection,
  ids: readonly string[],
): Promise<Answer<ReadonlyMap<string, References>>> {
  const found = new Map<string, Record<string, string | null>>()
  for (const id of ids) found.set(id, {})
  for (const name of references) {
    const association = associationFor(object, name)
    const associated = await readAssociated(http, object, association, ids)
    if (!associated.ok) return associated
    for (const [id, record] of found) record[name] = currentOf(associated.value.get(id) ?? [])
  }
  return ok(found)
}

/** One record that is associated. */
interface Associated {
  readonly id: string
  /** Whether it is the reference by HubSpot's own word. */
  readonly primary: boolean | null
}

async function readAssociated(
  http: ConnectorHttp,
  object: HubspotObject,
  association: HubspotAssociation,
  ids: readonly string[],
): Promise<Answer<ReadonlyMap<string, readonly Associated[]>>> {
  const found = new Map<string, Associated[]>()
  for (const batch of batches(distinct(ids), readSizeMax)) {
    const answer = await http.request({
      method: 'POST',
      path: associationPath(object, association.to, 'batch/read'),
      json: { inputs: batch.map((id) => ({ id })) },
    })
    const failure = classify(answer)
    if (failure) return failed(failure)
    // A record without associations is an error entry here, which is exactly: no reference.
    const results = resultsIn(answer)
    if (!results.ok) return results
    for (const entry of results.value) {
      const from = textOf(objectOf(entry['from'])['id'])
      if (from !== null) found.set(from, associatedIn(entry, association))
    }
  }
  return ok(found)
}

function associatedIn(entry: JsonObject, { primary, typeId }: HubspotAssociation): Associated[] {
  return arrayOf(entry['to'])
    .map((to) => objectOf(to))
    .flatMap((to) => {
      const id = textOf(to['toObjectId'])
      if (id === null) return []
      const types = arrayOf(to['associationTypes']).map((type) => objectOf(type)['typeId'])
      return [{ id, primary: primary ? types.includes(typeId) : null }]
    })
}

function currentOf(associated: readonly Associated[]): string | null {
  return lowest(associated.flatMap(({ id, primary }) => (primary === false ? [] : [id])))
}

/** HubSpot's ids are numbers, so their order is by length first. */
function lowest(ids: readonly string[]): string | null {
  return ids.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))[0] ?? null
}

/** What one record's reference shall be. */
export interface Wanted {
  readonly id: string
  readonly parent: string | null
}

/**
 * Sets and clears one reference of many records. All or nothing in HubSpot: an unknown id refuses the call. What
 * cannot be told apart is given back by id.
 */
export async function writeReference(
  http: ConnectorHttp,
  object: HubspotObject,
  reference: string,
  wanted: readonly Wanted[],
): Promise<Answer<ReadonlyMap<string, Answer<null>>>> {
  const association = associationFor(object, reference)
  const refused = new Map<string, Answer<null>>()
  const added: JsonObject[] = []
  const removed: JsonObject[] = []
  // A primary one replaces the one before by itself, so only clearing needs to know it.
  const unsure = association.primary ? wanted.filter(({ parent }) => parent === null) : wanted
  const known =
    unsure.length === 0
      ? ok(new Map<string, readonly Associated[]>())
      : await readAssociated(
          http,
          object,
          association,
          unsure.map(({ id }) => id),
        )
  if (!known.ok) return known
  for (const { id, parent } of wanted) {
    const associated = known.value.get(id) ?? []
    const current = currentOf(associated)
    const others = associated.map((other) => other.id).filter((other) => other !== current && other !== parent)
    const remaining = lowest(parent === null ? others : [...others, parent])
    if (!association.primary && remaining !== parent) {
      const reason = `HubSpot has this ${object.name} with several of ${association.to}, and none of them is primary: remove the others there.`
      refused.set(id, failed(park('several_associated', reason)))
      continue
    }
    if (parent !== null && (association.primary || current !== parent))
      added.push({ from: { id }, to: { id: parent }, types: [typeOf(association)] })
    // Without a primary one, the others stay what they are; with one, setting it has moved it already.
    if (current !== null && current !== parent && (parent === null || !association.primary))
      removed.push({ from: { id }, to: [{ id: current }] })
  }
  // Added before removed: between the two calls a record has one too many rather than none.
  for (const [verb, inputs] of [
    ['create', added],
    ['archive', removed],
  ] as const) {
    if (inputs.length === 0) continue
    const path = associationPath(object, association.to, `batch/${verb}`)
    const answer = await http.request({ method: 'POST', path, json: { inputs } })
    const failure = classify(answer)
    if (failure) return failed(failure)
    // What is removed has no body; what is added is listed.
    const written = answer.status === 204 ? null : resultsIn(answer)
    if (written?.ok === false) return written
  }
  return ok(refused)
}

function typeOf({ category, typeId }: HubspotAssociation): JsonObject {
  return { associationCategory: category, associationTypeId: typeId }
}
