// Bulk API 2.0 queries: a job, then its rows as CSV, page by page with Sforce-Locator. Owns the pages.
// https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_job_results.htm
import { z } from 'zod'
import { SalesforceRefusal } from '../errors.ts'
import type { Answer, Route, Run } from '../operation.ts'
import { selectAll } from '../query.ts'
import { abort, csvAnswer, infoOf, jobOf, parse, remove, shapeFields } from './job-info.ts'

const pageMax = 50_000

const createSchema = z.object({ operation: z.enum(['query', 'queryAll']), query: z.string().min(1), ...shapeFields })

export const queryJobRoutes: readonly Route[] = [
  { method: 'POST', pattern: '/jobs/query', run: create },
  { method: 'GET', pattern: '/jobs/query', run: list },
  { method: 'GET', pattern: '/jobs/query/:id', run: check },
  { method: 'PATCH', pattern: '/jobs/query/:id', run: (run) => abort(run, 'query') },
  { method: 'DELETE', pattern: '/jobs/query/:id', run: (run) => remove(run, 'query') },
  { method: 'GET', pattern: '/jobs/query/:id/results', run: results },
]

function create(run: Run): Answer {
  const { operation, query, columnDelimiter, lineEnding } = parse(run, createSchema)
  // The query is checked, and answered, as of now; its rows are given when they are asked for.
  const { object, header, rows } = selectAll(run, query, operation === 'queryAll')
  const job = run.organization.jobs.add({
    kind: 'query',
    object,
    operation,
    query,
    columnDelimiter,
    lineEnding,
    createdAt: run.world.now(),
    apiVersion: Number(run.operation.version.slice(1)),
    origin: '',
    state: 'UploadComplete',
  })
  job.results = { rows: [header, ...rows] }
  job.processed = rows.length
  run.organization.jobs.save(job)
  return infoOf(run, job)
}

function list(run: Run): Answer {
  const records = run.organization.jobs.all('query').map((job) => infoOf(run, job).body)
  return { status: 200, body: { done: true, records, nextRecordsUrl: null } }
}

function check(run: Run): Answer {
  const job = jobOf(run, 'query')
  if (job.state === 'UploadComplete') job.state = 'InProgress'
  else if (job.state === 'InProgress') job.state = 'JobComplete'
  run.organization.jobs.save(job)
  return infoOf(run, job)
}

function results(run: Run): Answer {
  const job = jobOf(run, 'query')
  if (job.state !== 'JobComplete')
    throw new SalesforceRefusal(400, 'INVALIDJOBSTATE', `The job is ${job.state}, not JobComplete.`)
  const [header = [], ...rows] = job.results['rows'] ?? []
  const offset = Number(run.operation.query.get('locator') ?? 0)
  const count = Number(run.operation.query.get('maxRecords') ?? pageMax)
  if (!Number.isInteger(offset) || offset < 0 || offset > rows.length || !Number.isInteger(count) || count < 1) {
    throw new SalesforceRefusal(400, 'INVALID_LOCATOR', 'The locator or maxRecords is not valid.')
  }
  const page = rows.slice(offset, offset + Math.min(count, pageMax))
  const next = offset + page.length
  return csvAnswer(job, [header, ...page], {
    'sforce-locator': next < rows.length ? String(next) : 'null',
    'sforce-numberofrecords': String(page.length),
  })
}
