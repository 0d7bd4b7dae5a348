// What the account has, from its metadata catalogue: record types, their fields with custom ones, and what refers to
// what. A record type is described as JSON Schema. Must not look at records.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545129726.html
import { failed, hollow, ok, unread } from '../kit/answers.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { arrayOf, isObject, listIn, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import type { RemoteField, RemoteObject, RemoteReference, RemoteSchema } from '../kit/schema.ts'
import { linesField, objects as described } from './description.ts'
import type { NetsuiteObject } from './description.ts'
import { ask, classify } from './failures.ts'
import { hasLines, objectNamed } from './objects.ts'

const catalogue = '/services/rest/record/v1/metadata-catalog'

export async function objects(http: ConnectorHttp): Promise<Answer<readonly RemoteObject[]>> {
  const answer = await ask(http, { method: 'GET', path: catalogue })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const items = listIn(answer.body, 'items')
  if (items === null) return failed(hollow('NetSuite'))
  const names = items.flatMap((item) => textOf(objectOf(item)['name']) ?? [])
  return ok(
    names.flatMap((name) => {
      const object = objectOfType(name)
      return object === null ? [] : [remoteObject(object)]
    }),
  )
}

export async function schema(http: ConnectorHttp, name: string): Promise<Answer<RemoteSchema | null>> {
  const object = described.find((known) => known.name === name) ?? objectOfType(name)
  if (object === null) return ok(null)
  const answer = await ask(http, {
    method: 'GET',
    path: `${catalogue}/${object.remoteName}`,
    headers: { accept: 'application/schema+json' },
  })
  // A record type that the role may not see is not there.
  if ((answer.status === 404 || answer.status === 403) && typeof answer.body !== 'string') return ok(null)
  const failure = classify(answer)
  if (failure) return unread(failure)
  const told = objectOf(answer.body)['properties']
  if (!isObject(told)) return failed(hollow('NetSuite'))
  const properties = Object.entries(told).map(([field, property]) => [field, objectOf(property)] as const)
  return ok({
    ...remoteObject(object),
    fields: properties.flatMap(([field, property]) => fieldOf(object, field, property) ?? []),
    references: properties.flatMap(([field, property]) => referenceOf(object, field, property) ?? []),
    timeZone: null,
  })
}

/** The object of a record type; null for one that is not synced. */
function objectOfType(type: string): NetsuiteObject | null {
  const standard = described.find(({ remoteName }) => remoteName.toLowerCase() === type.toLowerCase())
  if (standard) return standard
  return /^customrecord_?[a-z0-9_]{1,60}$/.test(type) ? objectNamed(type) : null
}

function remoteObject({ name, remoteName }: NetsuiteObject): RemoteObject {
  const custom = !described.some((object) => object.name === name)
  const label = custom ? name.replace(/^customrecord_?/, '') : remoteName.replace(/([a-z])([A-Z])/g, '$1 $2')
  return { object: name, remoteName, label: label.charAt(0).toUpperCase() + label.slice(1), custom }
}

function fieldOf(object: NetsuiteObject, name: string, property: JsonObject): RemoteField | null {
  if (referenceOf(object, name, property) !== null) return null
  const kind = hasLines(object) && name === linesField ? 'json' : (object.kinds[name] ?? kindOf(property))
  if (kind === null) return null
  const { id, refName } = objectOf(property['properties'])
  const labels = arrayOf(objectOf(refName)['enum'])
  const ids = arrayOf(objectOf(id)['enum'])
  return {
    name,
    label: textOf(property['title']) ?? name,
    kind,
    custom: property['x-ns-custom-field'] === true,
    required: property['nullable'] === false,
    unique: object.uniqueFields.includes(name),
    readOnly: property['readOnly'] === true || object.readOnlyFields.includes(name),
    options:
      ids.length === 0
        ? null
        : ids.flatMap((entry, index) => {
            const value = textOf(entry)
            return value === null ? [] : [{ value, label: textOf(labels[index]) ?? value }]
          }),
  }
}

function kindOf(property: JsonObject): FieldKind | null {
  switch (property['type']) {
    case 'string':
      return property['format'] === 'date' ? 'date' : property['format'] === 'date-time' ? 'instant' : 'text'
    case 'number':
    case 'integer':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'object':
      // What has an id is chosen from a list, of the account's or of another record type; the rest are sublists.
      return 'id' in objectOf(property['properties']) ? 'choice' : null
    default:
      return null
  }
}

function referenceOf(object: NetsuiteObject, field: string, property: JsonObject): RemoteReference | null {
  const type = referredType(property)
  const parent = type === null ? null : objectOfType(type)
  if (parent === null) return null
  const known = Object.entries(object.referenceFields).find(([, held]) => held === field)
  return {
    name: known?.[0] ?? field,
    label: textOf(property['title']) ?? field,
    object: parent.name,
    custom: property['x-ns-custom-field'] === true,
    required: property['nullable'] === false,
    via: field,
  }
}

function referredType(property: JsonObject): string | null {
  const described = arrayOf(property['links'])
    .map((link) => objectOf(link))
    .find((link) => link['rel'] === 'describedby')
  return textOf(property['x-ns-reference']) ?? textOf(described?.['href'])?.split('/').at(-1) ?? null
}
