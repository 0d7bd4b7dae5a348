// Bulk API 2.0 ingest: open, upload, complete, in progress, done; each row on its own. Owns reading the
// CSV's rows and the result files. Work starts when a job is looked at after its upload was completed.
// https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/create_job.htm
import { z } from 'zod'
import { SalesforceRefusal } from '../errors.ts'
import { objectOf } from '../operation.ts'
import type { Answer, Route, Run } from '../operation.ts'
import type { Field } from '../objects.ts'
import { externalField, upsert } from '../rows.ts'
import { delimiters, parseCsv } from './csv.ts'
import { abort, csvAnswer, infoOf, jobOf, parse, remove, shapeFields } from './job-info.ts'
import type { Job } from './jobs.ts'

/** Base64 makes 150 MB of it: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_limits.htm */
const rowsMax = 1_000_000

const createSchema = z.object({
  object: z.string(),
  operation: z.enum(['insert', 'update', 'upsert', 'delete', 'hardDelete']),
  externalIdFieldName: z.string().optional(),
  contentType: z.literal('CSV').default('CSV'),
  ...shapeFields,
})

export const ingestRoutes: readonly Route[] = [
  { method: 'POST', pattern: '/jobs/ingest', run: create },
  { method: 'GET', pattern: '/jobs/ingest', run: list },
  { method: 'GET', pattern: '/jobs/ingest/:id', run: check },
  { method: 'PATCH', pattern: '/jobs/ingest/:id', run: change },
  { method: 'DELETE', pattern: '/jobs/ingest/:id', run: (run) => remove(run, 'ingest') },
  { method: 'PUT', pattern: '/jobs/ingest/:id/batches', run: upload },
  { method: 'GET', pattern: '/jobs/ingest/:id/:file', run: result },
]

function create(run: Run): Answer {
  const { object, operation, externalIdFieldName, columnDelimiter, lineEnding } = parse(run, createSchema)
  const name = objectOf(run.organization, object)
  if (operation === 'upsert') {
    if (externalIdFieldName === undefined)
      throw new SalesforceRefusal(400, 'INVALIDJOB', 'InvalidJob : externalIdFieldName is required')
    if (externalIdFieldName !== 'Id') externalField(run.organization, name, externalIdFieldName)
  }
  const job = run.organization.jobs.add({
    kind: 'ingest',
    object: name,
    operation,
    ...(externalIdFieldName === undefined ? {} : { externalIdFieldName }),
    columnDelimiter,
    lineEnding,
    createdAt: run.world.now(),
    apiVersion: Number(run.operation.version.slice(1)),
    origin: run.author.origin.replace('/rest/', '/bulk/'),
    state: 'Open',
  })
  return infoOf(run, job)
}

function list(run: Run): Answer {
  const records = run.organization.jobs.all('ingest').map((job) => infoOf(run, job).body)
  return { status: 200, body: { done: true, records, nextRecordsUrl: null } }
}

function upload(run: Run): Answer {
  const job = jobOf(run, 'ingest')
  if (job.state !== 'Open' || job.data !== '') {
    throw new SalesforceRefusal(400, 'INVALIDJOBSTATE', 'A job takes one upload, while it is open.')
  }
  if (typeof run.operation.body !== 'string')
    throw new SalesforceRefusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'text/csv is needed.')
  job.data = run.operation.body
  run.organization.jobs.save(job)
  return { status: 201 }
}

function change(run: Run): Answer {
  const { state } = parse(run, z.object({ state: z.enum(['UploadComplete', 'Aborted']) }))
  if (state === 'Aborted') return abort(run, 'ingest')
  const job = jobOf(run, 'ingest')
  if (job.state !== 'Open') throw new SalesforceRefusal(400, 'INVALIDJOBSTATE', `The job is ${job.state}, not Open.`)
  job.state = 'UploadComplete'
  run.organization.jobs.save(job)
  return infoOf(run, job)
}

// Looking is what moves a job on: from UploadComplete to InProgress, where the work is done, to its end.
function check(run: Run): Answer {
  const job = jobOf(run, 'ingest')
  if (job.state === 'InProgress') job.state = job.errorMessage === undefined ? 'JobComplete' : 'Failed'
  else if (job.state === 'UploadComplete') {
    job.state = 'InProgress'
    work(run, job)
  } else return infoOf(run, job)
  run.organization.jobs.save(job)
  return { ...infoOf(run, job), written: job.state === 'InProgress' ? job.processed - job.failed : 0 }
}

function result(run: Run): Answer {
  const job = jobOf(run, 'ingest')
  const file = (run.path['file'] ?? '').toLowerCase()
  if (!['successfulresults', 'failedresults', 'unprocessedrecords'].includes(file))
    throw new SalesforceRefusal(404, 'NOT_FOUND', 'The requested resource does not exist')
  return csvAnswer(job, job.results[file] ?? [])
}

function work(run: Run, job: Job): void {
  const [header = [], ...rows] = parseCsv(job.data, delimiters[job.columnDelimiter]!)
  job.data = ''
  const fields = run.organization.schema.fields(job.object)
  const unknown = header.find((name) => name.toLowerCase() !== 'id' && !name.includes('.') && !fields.get(name))
  if (header.length === 0 || unknown !== undefined || rows.length > rowsMax) {
    job.errorMessage =
      unknown === undefined
        ? 'InvalidBatch : The file is empty or too large'
        : `InvalidBatch : Field name not found : ${unknown}`
    return
  }
  const successful = [['sf__Id', 'sf__Created', ...header]]
  const failed = [['sf__Id', 'sf__Error', ...header]]
  for (const row of rows) {
    try {
      const { id, created } = apply(run, job, header, row)
      successful.push([id, String(created), ...row])
    } catch (error) {
      if (!(error instanceof SalesforceRefusal)) throw error
      const { errorCode, message, fields: named } = error.error
      failed.push(['', `${errorCode}:${message}:${named?.join(', ') || '--'}`, ...row])
    }
  }
  job.processed = rows.length
  job.failed = failed.length - 1
  job.results = { successfulresults: successful, failedresults: failed, unprocessedrecords: [header] }
}

function apply(
  run: Run,
  job: Job,
  header: readonly string[],
  row: readonly string[],
): { id: string; created: boolean } {
  const { records, schema } = run.organization
  const author = { ...run.author, origin: job.origin }
  const input: Record<string, unknown> = {}
  for (const [index, name] of header.entries()) {
    const text = row[index] ?? ''
    // An empty cell leaves a field alone; #N/A empties it.
    if (text !== '') input[name] = text === '#N/A' ? null : toValue(schema.fields(job.object).get(name), text)
  }
  const idName = Object.keys(input).find((name) => name.toLowerCase() === 'id')
  const id = idName === undefined ? '' : String(input[idName])
  if (idName !== undefined) delete input[idName]
  switch (job.operation) {
    case 'insert':
      return { id: records.create(job.object, input, author).id, created: true }
    case 'upsert': {
      const key = job.externalIdFieldName!
      const keyName = Object.keys(input).find((name) => name.toLowerCase() === key.toLowerCase())
      const value = key.toLowerCase() === 'id' ? id : String(keyName === undefined ? '' : input[keyName])
      if (keyName !== undefined) delete input[keyName]
      if (value === '') throw new SalesforceRefusal(400, 'MISSING_ARGUMENT', `${key} not specified`)
      const outcome = upsert(run.organization, job.object, key, value, input, author)
      if (Array.isArray(outcome))
        throw new SalesforceRefusal(400, 'DUPLICATE_VALUE', `${key}: more than one record found`)
      return { id: outcome.record.id, created: outcome.created }
    }
    case 'update':
      return { id: records.update(records.required(job.object, id), input, author).id, created: false }
    default: {
      const record = records.required(job.object, id)
      records.delete(record, author)
      return { id: record.id, created: false }
    }
  }
}

function toValue(field: Field | undefined, text: string): unknown {
  if (field?.type === 'boolean') return /^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text
  return text
}
