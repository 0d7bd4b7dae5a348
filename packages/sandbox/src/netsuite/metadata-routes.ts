// The metadata catalogue: which record types there are, and what a record looks like, as JSON Schema.
// Owns the `x-ns-` marks; must not look at records.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545129726.html
import { NetsuiteRefusal, noSuchResource } from './errors.ts'
import type { Answer } from './operation.ts'
import type { Route, Run } from './route.ts'
import type { Field, RecordType } from './record-types.ts'
import { self } from './render.ts'

export const metadataRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/record/v1/metadata-catalog', run: listTypes },
  { method: 'GET', pattern: '/record/v1/metadata-catalog/:type', run: readType },
]

const schemaType = 'application/schema+json'

function listTypes(run: Run): Answer {
  const wanted = run.query.get('select')?.toLowerCase().split(',')
  const types = run.company.schema.all().filter(({ name }) => !wanted || wanted.includes(name.toLowerCase()))
  const items = types.map(({ name }) => ({
    name,
    links: [
      { rel: 'canonical', href: urlOf(run, name), mediaType: 'application/json' },
      { rel: 'describes', href: `${run.base}/record/v1/${name}` },
      { rel: 'alternate', href: urlOf(run, name), mediaType: schemaType },
    ],
  }))
  return { status: 200, body: { links: self(`${run.base}${run.operation.path}`), items } }
}

function readType(run: Run): Answer {
  const type = run.company.schema.get(run.path['type'] ?? '')
  if (!type) throw noSuchResource(run.operation.path)
  const accepted = run.operation.headers['accept'] ?? schemaType
  if (accepted.includes('swagger')) {
    throw new NetsuiteRefusal(406, 'INVALID_HEADER', 'The sandbox describes records in application/schema+json only.', [
      'header',
      'Accept',
    ])
  }
  return { status: 200, body: schemaOf(run, type), headers: { 'content-type': schemaType } }
}

function schemaOf(run: Run, type: RecordType): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  for (const field of type.fields) properties[field.name] = describe(run, field, true)
  for (const { name, fields } of type.sublists) {
    const line = Object.fromEntries(fields.map((field) => [field.name, describe(run, field, false)]))
    properties[name] = {
      type: 'object',
      title: name,
      properties: { items: { type: 'array', items: { type: 'object', properties: line } } },
    }
  }
  return { type: 'object', properties, $schema: 'http://json-schema.org/draft-06/hyper-schema#', 'x-ns-filterable': [] }
}

function describe(run: Run, field: Field, isBodyField: boolean): Record<string, unknown> {
  return {
    title: field.title,
    ...shapeOf(run, field),
    nullable: !field.required,
    ...(field.readOnly ? { readOnly: true } : {}),
    ...(field.custom ? { 'x-ns-custom-field': true } : {}),
    ...(isBodyField && field.type !== 'object' ? { 'x-ns-filterable': true } : {}),
  }
}

function shapeOf(run: Run, field: Field): Record<string, unknown> {
  switch (field.type) {
    case 'string':
      return { type: 'string' }
    case 'integer':
      return { type: 'integer', format: 'int64' }
    case 'number':
      return { type: 'number', format: 'double' }
    case 'boolean':
      return { type: 'boolean' }
    case 'date':
      return { type: 'string', format: 'date' }
    case 'datetime':
      return { type: 'string', format: 'date-time' }
    case 'object':
      return { type: 'object' }
    case 'reference':
      return {
        type: 'object',
        properties: { id: { type: 'string' }, refName: { type: 'string' }, externalId: { type: 'string' } },
        'x-ns-reference': field.referenceTo,
        links: [{ rel: 'describedby', href: urlOf(run, field.referenceTo ?? '') }],
      }
    case 'select':
      break
  }
  return {
    type: 'object',
    properties: {
      id: { type: 'string', enum: (field.options ?? []).map(({ id }) => id) },
      refName: { type: 'string', enum: (field.options ?? []).map(({ refName }) => refName) },
    },
  }
}

function urlOf(run: Run, name: string): string {
  return `${run.base}/record/v1/metadata-catalog/${name}`
}
