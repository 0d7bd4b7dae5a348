// What the organization tells about itself: objects, fields, limits, versions; and adding custom fields
// the way the Tooling API does. Owns the shapes of describe; must not look at records.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
import { z } from 'zod'
import { dailyMax } from '../oauth/editions.ts'
import { SalesforceRefusal, notFound } from './errors.ts'
import { bodyOf, objectOf } from './operation.ts'
import type { Answer, Route, Run } from './operation.ts'
import type { Organization } from './organization.ts'
import type { Field, FieldType, ObjectName } from './objects.ts'

export const apiVersions = Array.from({ length: 38 }, (_, index) => 30 + index)
const batchSizeMax = 200

export const describeRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/', run: resources },
  { method: 'GET', pattern: '/limits', run: limits },
  { method: 'GET', pattern: '/sobjects', run: describeGlobal },
  { method: 'GET', pattern: '/sobjects/:object', run: describeShort },
  { method: 'GET', pattern: '/sobjects/:object/describe', run: describe },
  { method: 'POST', pattern: '/tooling/sobjects/CustomField', run: addField },
]

function resources({ operation }: Run): Answer {
  const base = `/services/data/${operation.version}`
  const names = ['limits', 'sobjects', 'query', 'queryAll', 'composite', 'tooling']
  return { status: 200, body: Object.fromEntries(names.map((name) => [name, `${base}/${name}`])) }
}

function limits({ organization, world }: Run): Answer {
  const max = dailyMax(organization.account)
  const remaining = Math.max(0, max - organization.daily.used(world.now()))
  return { status: 200, body: { DailyApiRequests: { Max: max, Remaining: remaining } } }
}

function describeGlobal({ organization, operation }: Run): Answer {
  const sobjects = organization.schema.names().map((name) => summary(organization, name, operation.version))
  return { status: 200, body: { encoding: 'UTF-8', maxBatchSize: batchSizeMax, sobjects } }
}

function describeShort({ organization, operation, path }: Run): Answer {
  const object = objectOf(organization, path['object'])
  return {
    status: 200,
    body: { objectDescribe: summary(organization, object, operation.version), recentItems: [] },
  }
}

function describe({ organization, operation, path }: Run): Answer {
  const object = objectOf(organization, path['object'])
  const fields = organization.schema
    .fields(object)
    .all()
    .map((field) => describeField(organization, field, object))
  return {
    status: 200,
    body: {
      ...summary(organization, object, operation.version),
      fields,
      childRelationships: childrenOf(organization, object),
      recordTypeInfos: [],
    },
  }
}

function childrenOf(organization: Organization, parent: ObjectName): Record<string, unknown>[] {
  return organization.schema.names().flatMap((name) =>
    organization.schema
      .fields(name)
      .all()
      .filter(({ referenceTo, writable }) => writable && referenceTo?.includes(parent))
      .map((field) => ({ childSObject: name, field: field.name, relationshipName: null, cascadeDelete: false })),
  )
}

function summary(organization: Organization, name: ObjectName, version: string): Record<string, unknown> {
  const { label, plural, prefix, writable, custom } = organization.schema.facts(name)
  const base = `/services/data/${version}/sobjects/${name}`
  return {
    name,
    label,
    labelPlural: plural,
    keyPrefix: prefix,
    custom,
    createable: writable,
    updateable: writable,
    deletable: writable,
    undeletable: writable,
    queryable: true,
    retrieveable: true,
    replicateable: true,
    searchable: false,
    urls: { sobject: base, describe: `${base}/describe`, rowTemplate: `${base}/{ID}` },
  }
}

const soapTypes: Readonly<Record<FieldType, string>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
  string: 'xsd:string',
  textarea: 'xsd:string',
  email: 'xsd:string',
  phone: 'xsd:string',
  url: 'xsd:string',
  picklist: 'xsd:string',
}

function describeField(organization: Organization, field: Field, object: ObjectName): Record<string, unknown> {
  const { name, label, type, length, writable, required, custom, externalId, unique, referenceTo, relationshipName } =
    field
  const settable = writable && organization.schema.facts(object).writable
  return {
    name,
    label,
    type,
    soapType: soapTypes[type],
    length,
    byteLength: length * 3,
    custom,
    externalId,
    unique,
    createable: settable,
    updateable: settable && !field.fixed,
    nillable: !required && type !== 'boolean',
    defaultedOnCreate: !writable || type === 'boolean' || name === 'OwnerId' || field.default !== null,
    calculated: false,
    idLookup: name === 'Id' || name === 'Email' || externalId,
    nameField: name === 'Name',
    filterable: type !== 'textarea' || length <= 255,
    sortable: type !== 'textarea' || length <= 255,
    groupable: type !== 'textarea',
    restrictedPicklist: field.restricted,
    picklistValues: field.options.map((value) => ({
      active: true,
      defaultValue: false,
      label: value,
      validFor: null,
      value,
    })),
    referenceTo: referenceTo ?? [],
    relationshipName: relationshipName ?? null,
  }
}

const customFieldSchema = z.object({
  FullName: z.string().regex(/^\w+\.\w+$/),
  Metadata: z.object({
    label: z.string().optional(),
    type: z.enum([
      'Text',
      'TextArea',
      'Email',
      'Phone',
      'Url',
      'Picklist',
      'Checkbox',
      'Number',
      'Currency',
      'Date',
      'DateTime',
    ]),
    length: z.int().min(1).max(32_000).optional(),
    scale: z.int().optional(),
    externalId: z.boolean().optional(),
    unique: z.boolean().optional(),
  }),
})
const fieldTypes: Readonly<Record<z.output<typeof customFieldSchema>['Metadata']['type'], FieldType>> = {
  Text: 'string',
  TextArea: 'textarea',
  Email: 'email',
  Phone: 'phone',
  Url: 'url',
  Picklist: 'picklist',
  Checkbox: 'boolean',
  Number: 'double',
  Currency: 'currency',
  Date: 'date',
  DateTime: 'datetime',
}

function addField({ organization, operation, world }: Run): Answer {
  const parsed = customFieldSchema.safeParse(bodyOf(operation))
  if (!parsed.success) throw new SalesforceRefusal(400, 'JSON_PARSER_ERROR', z.prettifyError(parsed.error))
  const { FullName, Metadata } = parsed.data
  const [objectName = '', name = ''] = FullName.split('.')
  // Custom fields of tasks are those of activities: https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/customfield.htm
  const wanted =
    objectName.toLowerCase() === 'task' ? '' : objectName.toLowerCase() === 'activity' ? 'Task' : objectName
  const object = organization.schema.parse(wanted)
  if (!object || !organization.schema.facts(object).writable) throw notFound(`No such object: ${objectName}`)
  const { type, ...rest } = Metadata
  organization.schema.fields(object).add({ name, type: fieldTypes[type], ...rest })
  return { status: 201, body: { id: `00N${world.seeded.letters(`field.${FullName}`, 15)}`, success: true, errors: [] } }
}
