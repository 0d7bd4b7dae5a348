// Which objects and fields an organization has, from its describe resources. Owns what Salesforce's field
// types mean; must not write anything.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
import { failed, hollow, ok, unread } from '../kit/answers.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { arrayOf, listIn, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import type { RemoteField, RemoteObject, RemoteReference, RemoteSchema } from '../kit/schema.ts'
import { apiPath, objects as standardObjects, tokenField } from './description.ts'
import { classify } from './failures.ts'
import type { SalesforceObject } from './object.ts'
import { findObject } from './objects.ts'

export async function objects(http: ConnectorHttp): Promise<Answer<readonly RemoteObject[]>> {
  const answer = await http.request({ method: 'GET', path: `${apiPath}/sobjects` })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const found = listIn(answer.body, 'sobjects')
  if (found === null) return failed(hollow('Salesforce'))
  return ok(found.map((raw) => objectOf(raw)).flatMap((raw) => remoteObjectOf(raw) ?? []))
}

export async function schema(http: ConnectorHttp, name: string): Promise<Answer<RemoteSchema | null>> {
  const object = findObject(name)
  if (object === undefined) return ok(null)
  const answer = await http.request({ method: 'GET', path: `${apiPath}/sobjects/${object.remoteName}/describe` })
  if (answer.status === 404 && Array.isArray(answer.body)) return ok(null)
  const failure = classify(answer)
  if (failure) return unread(failure)
  const body = objectOf(answer.body)
  const raw = listIn(body, 'fields')?.map((field) => objectOf(field))
  if (raw === undefined) return failed(hollow('Salesforce'))
  return ok({
    object: name,
    remoteName: object.remoteName,
    label: textOf(body['label']) ?? object.remoteName,
    custom: body['custom'] === true,
    fields: raw.flatMap((field) => fieldOf(object, field) ?? []),
    references: raw.flatMap((field) => referencesOf(object, field)),
    // Dates are dates here, and instants are in UTC.
    timeZone: null,
  })
}

/** Objects that can be synced: those of the description, and custom ones that hold records of people. */
function remoteObjectOf(raw: JsonObject): RemoteObject | null {
  const remoteName = textOf(raw['name'])
  if (remoteName === null) return null
  const label = textOf(raw['label']) ?? remoteName
  const known = standardObjects.find((object) => object.remoteName === remoteName)
  if (known) return { object: known.name, remoteName, label, custom: false }
  const isSynced = raw['custom'] === true && raw['customSetting'] !== true && raw['createable'] === true
  return isSynced && findObject(remoteName) ? { object: remoteName, remoteName, label, custom: true } : null
}

/** Types that are left out are made of other fields, or are no values: address, location, base64. */
const kinds: Readonly<Record<string, FieldKind>> = {
  id: 'text',
  string: 'text',
  textarea: 'text',
  phone: 'text',
  url: 'text',
  encryptedstring: 'text',
  time: 'text',
  email: 'email',
  picklist: 'choice',
  combobox: 'choice',
  multipicklist: 'choices',
  int: 'number',
  long: 'number',
  double: 'number',
  currency: 'number',
  percent: 'number',
  boolean: 'boolean',
  date: 'date',
  datetime: 'instant',
}
const kindOf = new Map(Object.entries(kinds))
const pickLists: ReadonlySet<unknown> = new Set(['picklist', 'combobox', 'multipicklist'])

function fieldOf(object: SalesforceObject, raw: JsonObject): RemoteField | null {
  const name = textOf(raw['name'])
  const kind = kindOf.get(textOf(raw['type']) ?? '')
  if (name === null || name === tokenField || kind === undefined) return null
  const known = Object.hasOwn(object.kinds, name) ? object.kinds[name] : undefined
  return {
    name,
    label: textOf(raw['label']) ?? name,
    kind: known ?? kind,
    custom: raw['custom'] === true,
    required: isRequired(raw),
    unique: raw['unique'] === true,
    readOnly: object.readOnlyFields.includes(name) || raw['updateable'] !== true,
    options: pickLists.has(raw['type'])
      ? arrayOf(raw['picklistValues']).flatMap((option) => {
          const value = textOf(objectOf(option)['value'])
          return value === null ? [] : [{ value, label: textOf(objectOf(option)['label']) ?? value }]
        })
      : null,
  }
}

function isRequired(raw: JsonObject): boolean {
  return raw['createable'] === true && raw['nillable'] === false && raw['defaultedOnCreate'] !== true
}

/** A field may hold several references of the description; any other is one, under its own name. */
function referencesOf(object: SalesforceObject, raw: JsonObject): RemoteReference[] {
  const field = textOf(raw['name'])
  if (field === null || raw['type'] !== 'reference' || raw['createable'] !== true) return []
  const common = { label: textOf(raw['label']) ?? field, custom: raw['custom'] === true, via: field }
  const described = object.references.filter(({ name }) => object.referenceFields[name]?.field === field)
  if (described.length > 0) {
    const required = described.length === 1 && isRequired(raw)
    return described.map((reference) => ({ ...common, ...reference, required }))
  }
  const [only, ...others] = arrayOf(raw['referenceTo']).flatMap((name) => textOf(name) ?? [])
  if (only === undefined || others.length > 0) return []
  const parent = standardObjects.find(({ remoteName }) => remoteName === only)?.name ?? findObject(only)?.name
  return parent === undefined ? [] : [{ ...common, name: field, object: parent, required: isRequired(raw) }]
}
