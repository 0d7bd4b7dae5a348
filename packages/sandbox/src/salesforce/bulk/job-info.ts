// A bulk job as the API tells it, and what its requests have in common.
import { z } from 'zod'
import { SalesforceRefusal, notFound } from '../errors.ts'
import { bodyOf } from '../operation.ts'
import type { Answer, Run } from '../operation.ts'
import { formatInstant } from '../values.ts'
import { delimiters, formatCsv } from './csv.ts'
import type { Job } from './jobs.ts'

export const shapeFields = {
  columnDelimiter: z.enum(Object.keys(delimiters) as [string, ...string[]]).default('COMMA'),
  lineEnding: z.enum(['LF', 'CRLF']).default('LF'),
}

export function jobOf({ organization, path }: Run, kind: Job['kind']): Job {
  const job = organization.jobs.get(kind, path['id'] ?? '')
  if (!job) throw notFound()
  return job
}

export function parse<S extends z.ZodType>(run: Run, schema: S): z.output<S> {
  const parsed = schema.safeParse(bodyOf(run.operation))
  if (parsed.success) return parsed.data
  throw new SalesforceRefusal(400, 'INVALIDJOB', `InvalidJob : ${z.prettifyError(parsed.error)}`)
}

export function infoOf({ organization, operation }: Run, job: Job): Answer {
  const { id, kind, object, state, createdAt, apiVersion, columnDelimiter, lineEnding, processed, failed } = job
  return {
    status: 200,
    body: {
      id,
      operation: job.operation,
      object,
      createdById: organization.userId,
      createdDate: formatInstant(createdAt),
      systemModstamp: formatInstant(createdAt),
      state,
      concurrencyMode: 'Parallel',
      contentType: 'CSV',
      apiVersion,
      jobType: kind === 'ingest' ? 'V2Ingest' : 'V2Query',
      lineEnding,
      columnDelimiter,
      ...(kind === 'ingest' && state === 'Open'
        ? { contentUrl: `services/data/${operation.version}/jobs/ingest/${id}/batches` }
        : {}),
      ...(job.externalIdFieldName === undefined ? {} : { externalIdFieldName: job.externalIdFieldName }),
      ...(job.errorMessage === undefined ? {} : { errorMessage: job.errorMessage }),
      numberRecordsProcessed: processed,
      ...(kind === 'ingest' ? { numberRecordsFailed: failed } : {}),
      retries: 0,
    },
  }
}

export function csvAnswer(
  job: Job,
  rows: readonly (readonly string[])[],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const text = formatCsv(rows, delimiters[job.columnDelimiter]!, job.lineEnding === 'LF' ? '\n' : '\r\n')
  return { status: 200, body: text, headers: { 'content-type': 'text/csv; charset=UTF-8', ...headers } }
}

export function abort(run: Run, kind: Job['kind']): Answer {
  const job = jobOf(run, kind)
  if (job.state === 'JobComplete' || job.state === 'Failed') {
    throw new SalesforceRefusal(400, 'INVALIDJOBSTATE', `The job is ${job.state} and cannot be aborted.`)
  }
  job.state = 'Aborted'
  run.organization.jobs.save(job)
  return infoOf(run, job)
}

export function remove(run: Run, kind: Job['kind']): Answer {
  const job = jobOf(run, kind)
  if (job.state === 'InProgress' || job.state === 'UploadComplete') {
    throw new SalesforceRefusal(400, 'INVALIDJOBSTATE', `The job is ${job.state} and cannot be deleted.`)
  }
  run.organization.jobs.remove(job)
  return { status: 204 }
}
