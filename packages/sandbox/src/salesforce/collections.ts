// sObject Collections: up to 200 records of one call, all or none on request. Owns the result entries;
// the rules of a record are in records.ts.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
import { SalesforceRefusal, collectionError, malformedQuery } from './errors.ts'
import { bodyOf, objectOf } from './operation.ts'
import type { Answer, Operation, Route, Run } from './operation.ts'
import { renderPaths } from './render.ts'
import type { Organization } from './organization.ts'
import { externalField, upsert } from './rows.ts'
import type { ObjectName } from './objects.ts'
import { toLongId } from './ids.ts'

export const collectionMax = 200
const retrieveMax = 2000

export const collectionRoutes: readonly Route[] = [
  { method: 'POST', pattern: '/composite/sobjects', run: createMany },
  { method: 'PATCH', pattern: '/composite/sobjects', run: updateMany },
  { method: 'DELETE', pattern: '/composite/sobjects', run: deleteMany },
  { method: 'PATCH', pattern: '/composite/sobjects/:object/:field', run: upsertMany },
  { method: 'GET', pattern: '/composite/sobjects/:object', run: retrieveMany },
  { method: 'POST', pattern: '/composite/sobjects/:object', run: retrieveMany },
]

type Entry = Record<string, unknown>

function createMany(run: Run): Answer {
  const { records, allOrNone } = readRecords(run.operation)
  return each(run, records, allOrNone, (record) => {
    const created = run.organization.records.create(objectOf(run.organization, typeOf(record)), record, run.author)
    return { id: created.id, success: true, errors: [] }
  })
}

function updateMany(run: Run): Answer {
  const { records, allOrNone } = readRecords(run.operation)
  return each(run, records, allOrNone, (record) => {
    const { id, Id, ...fields } = record
    const given = textOf(id ?? Id)
    const found = run.organization.records.required(objectOf(run.organization, typeOf(record)), given)
    run.organization.records.update(found, fields, run.author)
    return { id: found.id, success: true, errors: [] }
  })
}

function upsertMany(run: Run): Answer {
  const object = objectOf(run.organization, run.path['object'])
  const fieldName = run.path['field'] ?? ''
  const { records, allOrNone } = readRecords(run.operation)
  const key = fieldName.toLowerCase() === 'id' ? 'Id' : externalField(run.organization, object, fieldName).name
  const valueOf = (record: Entry): string => {
    const entry = Object.entries(record).find(([name]) => name.toLowerCase() === key.toLowerCase())
    return textOf(entry?.[1])
  }
  const counts = new Map<string, number>()
  for (const record of records) counts.set(valueOf(record), (counts.get(valueOf(record)) ?? 0) + 1)
  return each(run, records, allOrNone, (record) => {
    const value = valueOf(record)
    if (value === '') throw new SalesforceRefusal(400, 'MISSING_ARGUMENT', `${key} not specified`, [])
    if ((counts.get(value) ?? 0) > 1) {
      throw new SalesforceRefusal(400, 'DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, [key])
    }
    const fields = Object.fromEntries(
      Object.entries(record).filter(([name]) => name.toLowerCase() !== key.toLowerCase()),
    )
    const outcome = upsert(run.organization, object, key, value, fields, run.author)
    if (Array.isArray(outcome)) {
      const message = `${key}: more than one record found for external id field: [${outcome.map(({ id }) => id).join(', ')}]`
      throw new SalesforceRefusal(400, 'DUPLICATE_VALUE', message, [key])
    }
    return { id: outcome.record.id, success: true, errors: [], created: outcome.created }
  })
}

function deleteMany(run: Run): Answer {
  const ids = (run.operation.query.get('ids') ?? '').split(',').filter((id) => id !== '')
  checkSize(ids)
  const allOrNone = run.operation.query.get('allOrNone') === 'true'
  const entries = ids.map((id) => ({ id }))
  return each(run, entries, allOrNone, ({ id }) => {
    const object = objectOfId(run.organization, String(id))
    if (!object) throw new SalesforceRefusal(400, 'MALFORMED_ID', `malformed id ${String(id)}`, [])
    const record = run.organization.records.get(object, String(id))
    if (!record) throw new SalesforceRefusal(404, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [])
    run.organization.records.delete(record, run.author)
    return { id: record.id, success: true, errors: [] }
  })
}

function retrieveMany({ organization, operation, path }: Run): Answer {
  const object = objectOf(organization, path['object'])
  const body = operation.method === 'POST' ? bodyOf(operation) : {}
  const text = (name: string): string[] => (operation.query.get(name) ?? '').split(',').filter((part) => part !== '')
  const ids = Array.isArray(body['ids']) ? body['ids'].map(String) : text('ids')
  const fields = Array.isArray(body['fields']) ? body['fields'].map(String) : text('fields')
  if (fields.length === 0) throw malformedQuery('fields is required')
  checkSize(ids, retrieveMax)
  const records = ids.map((id) => {
    const record = organization.records.get(object, id)
    return record && record.deletedAt === undefined
      ? renderPaths(organization, record, fields, operation.version)
      : null
  })
  return { status: 200, body: records }
}

function readRecords(operation: Operation): { records: Entry[]; allOrNone: boolean } {
  const { records, allOrNone } = bodyOf(operation)
  if (!Array.isArray(records) || records.some((record) => typeof record !== 'object' || record === null)) {
    throw new SalesforceRefusal(400, 'JSON_PARSER_ERROR', 'records must be an array of objects')
  }
  checkSize(records)
  return { records: records as Entry[], allOrNone: allOrNone === true }
}

function checkSize(records: readonly unknown[], max = collectionMax): void {
  if (records.length <= max) return
  const message = `record limit reached. cannot submit more than ${max} records into this call`
  throw new SalesforceRefusal(400, 'EXCEEDED_MAX_SIZE_REQUEST', message)
}

function each(run: Run, entries: readonly Entry[], allOrNone: boolean, work: (entry: Entry) => Entry): Answer {
  const results = run.organization.records.group(
    () => entries.map((entry) => attempt(entry, work)),
    (outcomes) => !allOrNone || outcomes.every(({ success }) => success === true),
  )
  const failed = results.some(({ success }) => success !== true)
  if (!allOrNone || !failed) {
    return { status: 200, body: results, written: results.filter(({ success }) => success === true).length }
  }
  const message = 'Record rolled back because not all records were valid and the request was using AllOrNone header'
  const rolledBack = collectionError({ errorCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', message })
  return {
    status: 200,
    body: results.map((result) => (result['success'] === true ? { success: false, errors: [rolledBack] } : result)),
  }
}

function attempt(entry: Entry, work: (entry: Entry) => Entry): Entry {
  try {
    return work(entry)
  } catch (error) {
    if (!(error instanceof SalesforceRefusal)) throw error
    const id = entry['id'] ?? entry['Id']
    return { ...(id === undefined ? {} : { id }), success: false, errors: [collectionError(error.error)] }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function typeOf(record: Entry): string | undefined {
  const attributes = record['attributes'] as { type?: unknown } | undefined
  return typeof attributes?.type === 'string' ? attributes.type : undefined
}

/** The object whose records have ids that begin like this one. */
export function objectOfId(organization: Organization, id: string): ObjectName | undefined {
  return toLongId(id) === undefined ? undefined : organization.schema.byPrefix(id.slice(0, 3))
}
