// Which objects and properties a portal has. Owns what HubSpot's schemas, properties and association labels
// mean; must not write anything. A portal without custom objects, or a grant without their scope, has none.
// https://developers.hubspot.com/docs/api-reference/crm-schemas-v3/guide
import { failed, ok, retry, unread } from '../kit/answers.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { Answer } from '../kit/connector.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import type { RemoteField, RemoteObject, RemoteReference, RemoteSchema } from '../kit/schema.ts'
import { objects as standardObjects, tokenProperty } from './description.ts'
import { classify } from './failures.ts'
import { associationVia } from './object.ts'
import type { HubspotAssociation, HubspotObject } from './object.ts'
import { associationPath, customType, findObject, objectPath, propertyPath } from './objects.ts'
import { resultsIn } from './results.ts'

export async function objects(http: ConnectorHttp): Promise<Answer<readonly RemoteObject[]>> {
  const custom = await customSchemas(http)
  if (!custom.ok) return custom
  const standard = standardObjects.map(({ name, remoteName }) => ({
    object: name,
    remoteName,
    label: labelOf(name),
    custom: false,
  }))
  return ok([...standard, ...custom.value.flatMap((raw) => remoteObjectOf(raw) ?? [])])
}

export async function schema(http: ConnectorHttp, name: string): Promise<Answer<RemoteSchema | null>> {
  const object = findObject(name)
  if (object === undefined) return ok(null)
  const custom = await customSchemas(http)
  if (!custom.ok) return custom
  const own = custom.value.find((raw) => textOf(raw['objectTypeId']) === name)
  if (customType.test(name) && own === undefined) return ok(null)
  // Properties are told without the right to read records; a mapping of them would only pause.
  const probe = await http.request({ method: 'GET', path: `${objectPath(object)}?limit=1` })
  if (lacksScope(probe)) return ok(null)
  const refused = classify(probe)
  if (refused) return unread(refused)
  const properties = await list(http, propertyPath(object))
  if (!properties.ok) return properties
  const required = new Set(own ? arrayOf(own['requiredProperties']).flatMap((property) => textOf(property) ?? []) : [])
  const references = await referencesOf(http, object, custom.value)
  if (!references.ok) return references
  const timeZone = await timeZoneOf(http, object)
  if (!timeZone.ok) return timeZone
  return ok({
    object: name,
    remoteName: own ? nameOf(own) : object.remoteName,
    label: own ? labelIn(own) : labelOf(name),
    custom: own !== undefined,
    fields: properties.value.flatMap((raw) => fieldOf(object, raw, required) ?? []),
    references: references.value,
    timeZone: timeZone.value,
  })
}

/** The portal's custom objects; none where the grant may not ask for them, as in a portal that cannot have any. */
async function customSchemas(http: ConnectorHttp): Promise<Answer<readonly JsonObject[]>> {
  const answer = await http.request({ method: 'GET', path: '/crm/v3/schemas' })
  if (lacksScope(answer)) return ok([])
  return resultsIn(answer)
}

function lacksScope({ status, body }: HttpAnswer): boolean {
  return status === 403 && objectOf(body)['category'] === 'MISSING_SCOPES'
}

function remoteObjectOf(raw: JsonObject): RemoteObject | null {
  const object = textOf(raw['objectTypeId'])
  if (object === null || !customType.test(object)) return null
  return { object, remoteName: nameOf(raw), label: labelIn(raw), custom: true }
}

function nameOf(raw: JsonObject): string {
  return textOf(raw['fullyQualifiedName']) ?? textOf(raw['name']) ?? textOf(raw['objectTypeId']) ?? ''
}

function labelIn(raw: JsonObject): string {
  return textOf(objectOf(raw['labels'])['singular']) ?? textOf(raw['name']) ?? nameOf(raw)
}

const labelOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

const kinds: Readonly<Record<string, FieldKind>> = {
  number: 'number',
  bool: 'boolean',
  date: 'date',
  datetime: 'instant',
  enumeration: 'choice',
}

const kindOf = new Map(Object.entries(kinds))

function fieldOf(object: HubspotObject, raw: JsonObject, required: ReadonlySet<string>): RemoteField | null {
  const name = textOf(raw['name'])
  const type = textOf(raw['type']) ?? 'string'
  if (name === null || name === tokenProperty) return null
  const isSeveral = type === 'enumeration' && textOf(raw['fieldType']) === 'checkbox'
  const known = Object.hasOwn(object.kinds, name) ? object.kinds[name] : undefined
  return {
    name,
    label: textOf(raw['label']) ?? name,
    kind: known ?? (isSeveral ? 'choices' : (kindOf.get(type) ?? 'text')),
    custom: raw['hubspotDefined'] !== true,
    required: required.has(name) || object.requiredField?.name === name,
    unique: raw['hasUniqueValue'] === true,
    readOnly:
      object.readOnlyFields.includes(name) ||
      raw['calculated'] === true ||
      objectOf(raw['modificationMetadata'])['readOnlyValue'] === true,
    options:
      type === 'enumeration'
        ? arrayOf(raw['options']).flatMap((option) => {
            const value = textOf(objectOf(option)['value'])
            return value === null ? [] : [{ value, label: textOf(objectOf(option)['label']) ?? value }]
          })
        : null,
  }
}

/** What the description knows, and the associations with custom objects that this portal has defined. */
async function referencesOf(
  http: ConnectorHttp,
  object: HubspotObject,
  custom: readonly JsonObject[],
): Promise<Answer<readonly RemoteReference[]>> {
  const references = Object.entries(object.associations).map(([name, association]) =>
    referenceOf(name, labelOf(name), association, false),
  )
  for (const other of associatedWith(object, custom)) {
    const types = await list(http, associationPath(object, other.name, 'labels'))
    if (!types.ok) return types
    // The one without a label is there for every pair.
    const plain = types.value.find((type) => textOf(type['label']) === null) ?? types.value[0]
    const typeId = Number(textOf(plain?.['typeId']))
    if (plain === undefined || !Number.isSafeInteger(typeId) || typeId <= 0) continue
    const category = textOf(plain['category']) ?? 'USER_DEFINED'
    references.push(referenceOf(other.name, other.label, { to: other.name, category, typeId, primary: false }, true))
  }
  return ok(references)
}

function referenceOf(name: string, label: string, association: HubspotAssociation, custom: boolean): RemoteReference {
  return { name, label, object: association.to, custom, required: false, via: associationVia(association) }
}

/** The other ends of the associations that custom objects have with this one. */
function associatedWith(
  object: HubspotObject,
  custom: readonly JsonObject[],
): { readonly name: string; readonly label: string }[] {
  const others = new Map<string, string>()
  for (const raw of custom) {
    for (const association of arrayOf(raw['associations']).map((entry) => objectOf(entry))) {
      const ends = [textOf(association['fromObjectTypeId']), textOf(association['toObjectTypeId'])]
      if (!ends.includes(object.typeId)) continue
      const otherId = ends.find((end) => end !== object.typeId)
      const other =
        standardObjects.find(({ typeId }) => typeId === otherId) ??
        custom.map((candidate) => remoteObjectOf(candidate)).find((candidate) => candidate?.object === otherId)
      if (!other) continue
      if ('label' in other) others.set(other.object, other.label)
      else others.set(other.name, labelOf(other.name))
    }
  }
  return [...others].map(([name, label]) => ({ name, label }))
}

/** Only where instants stand for days. */
async function timeZoneOf(http: ConnectorHttp, { days }: HubspotObject): Promise<Answer<string | null>> {
  if (days.length === 0) return ok(null)
  const details = await http.request({ method: 'GET', path: '/account-info/v3/details' })
  const failure = classify(details)
  if (failure) return unread(failure)
  const timeZone = textOf(objectOf(details.body)['timeZone'])
  return timeZone === null ? failed(retry('HubSpot did not name the time zone of the account.')) : ok(timeZone)
}

async function list(http: ConnectorHttp, path: string): Promise<Answer<readonly JsonObject[]>> {
  return resultsIn(await http.request({ method: 'GET', path }))
}
