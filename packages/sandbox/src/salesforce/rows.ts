// The sObject rows: create, read, update, delete, by id and by external id, with conditional headers.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_retrieve.htm
import { createHash } from 'node:crypto'
import { SalesforceRefusal, notFound } from './errors.ts'
import { bodyOf, objectOf } from './operation.ts'
import type { Answer, Operation, Route, Run } from './operation.ts'
import type { Organization } from './organization.ts'
import type { SalesforceRecord } from './records.ts'
import { renderPaths, renderWhole } from './render.ts'
import type { Field, ObjectName } from './objects.ts'

export const rowRoutes: readonly Route[] = [
  { method: 'POST', pattern: '/sobjects/:object', run: create },
  { method: 'GET', pattern: '/sobjects/:object/:id', run: (run) => read(run, find(run)) },
  { method: 'PATCH', pattern: '/sobjects/:object/:id', run: update },
  { method: 'DELETE', pattern: '/sobjects/:object/:id', run: (run) => remove(run, find(run)) },
  { method: 'GET', pattern: '/sobjects/:object/:field/:value', run: (run) => read(run, findExternal(run)) },
  { method: 'PATCH', pattern: '/sobjects/:object/:field/:value', run: upsertRow },
  { method: 'DELETE', pattern: '/sobjects/:object/:field/:value', run: (run) => remove(run, findExternal(run)) },
]

function create({ organization, author, operation, path }: Run): Answer {
  const record = organization.records.create(objectOf(organization, path['object']), bodyOf(operation), author)
  const location = `/services/data/${operation.version}/sobjects/${record.object}/${record.id}`
  return { status: 201, body: { id: record.id, success: true, errors: [] }, headers: { location }, written: 1 }
}

function find({ organization, path }: Run): SalesforceRecord {
  return organization.records.required(objectOf(organization, path['object']), path['id'] ?? '')
}

function read({ organization, operation }: Run, record: SalesforceRecord): Answer {
  const headers = { 'last-modified': new Date(record.modifiedAt).toUTCString(), ...etagOf(record) }
  const since = Date.parse(operation.headers['if-modified-since'] ?? '')
  if (record.modifiedAt <= since) return { status: 304, headers }
  const etag = operation.headers['if-none-match']
  if (etag !== undefined && etag === headers.etag) return { status: 304, headers }
  const fields = operation.query.get('fields')
  const { version } = operation
  const body =
    fields === null
      ? renderWhole(organization, record, version)
      : renderPaths(organization, record, fields.split(','), version)
  return { status: 200, body, headers }
}

function update(run: Run): Answer {
  const record = find(run)
  checkConditions(run.operation, record)
  run.organization.records.update(record, bodyOf(run.operation), run.author)
  return { status: 204, written: 1 }
}

function remove(run: Run, record: SalesforceRecord): Answer {
  checkConditions(run.operation, record)
  return { status: 204, written: run.organization.records.delete(record, run.author) }
}

function upsertRow(run: Run): Answer {
  const { organization, operation, path, author } = run
  const object = objectOf(organization, path['object'])
  const value = path['value'] ?? ''
  const outcome = upsert(organization, object, path['field'] ?? '', value, bodyOf(operation), author)
  if (Array.isArray(outcome)) {
    const uris = outcome.map((record) => `/services/data/${operation.version}/sobjects/${object}/${record.id}`)
    return { status: 300, body: uris }
  }
  const { record, created } = outcome
  return { status: created ? 201 : 200, body: { id: record.id, success: true, errors: [], created }, written: 1 }
}

/** Creates or updates by an external id; several matches come back as a list, nothing written. */
export function upsert(
  organization: Organization,
  object: ObjectName,
  fieldName: string,
  value: string,
  input: Readonly<Record<string, unknown>>,
  author: Run['author'],
): { record: SalesforceRecord; created: boolean } | SalesforceRecord[] {
  const { records } = organization
  if (fieldName.toLowerCase() === 'id') {
    return { record: records.update(records.required(object, value), input, author), created: false }
  }
  const field = externalField(organization, object, fieldName)
  if (Object.keys(input).some((name) => name.toLowerCase() === field.name.toLowerCase())) {
    const message = `The ${field.name} field should not be specified in the sobject data.`
    throw new SalesforceRefusal(400, 'INVALID_FIELD', message, [field.name])
  }
  const matches = records.byExternalId(object, field, value)
  if (matches.length > 1) return matches
  const [existing] = matches
  if (existing) return { record: records.update(existing, input, author), created: false }
  return { record: records.create(object, { ...input, [field.name]: value }, author), created: true }
}

/** Throws NOT_FOUND for a field that is no external id, as Salesforce does. */
export function externalField(organization: Organization, object: ObjectName, name: string): Field {
  const field = organization.schema.fields(object).get(name)
  if (!field?.externalId) throw notFound(`Provided external ID field does not exist or is not accessible: ${name}`)
  return field
}

function findExternal({ organization, path }: Run): SalesforceRecord {
  const object = objectOf(organization, path['object'])
  const field = externalField(organization, object, path['field'] ?? '')
  const [record] = organization.records.byExternalId(object, field, path['value'] ?? '')
  if (!record) throw notFound()
  return record
}

function checkConditions(operation: Operation, record: SalesforceRecord): void {
  const unmodifiedSince = Date.parse(operation.headers['if-unmodified-since'] ?? '')
  const etag = operation.headers['if-match']
  const changed = record.modifiedAt > unmodifiedSince
  const another = etag !== undefined && etagOf(record).etag !== undefined && etag !== etagOf(record).etag
  if (changed || another) {
    throw new SalesforceRefusal(
      412,
      'PRECONDITION_FAILED',
      'The record was changed since the time, or is not the version, that the request names.',
    )
  }
}

// Only accounts have entity tags.
function etagOf(record: SalesforceRecord): { etag?: string } {
  if (record.object !== 'Account') return {}
  const digest = createHash('sha256')
    .update(`${record.id} ${record.modifiedAt} ${JSON.stringify(record.values)}`)
    .digest('hex')
  return { etag: `"${digest.slice(0, 32)}"` }
}
