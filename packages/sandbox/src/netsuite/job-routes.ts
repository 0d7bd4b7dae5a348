// Asynchronous requests: keeping one, telling how far it is, giving its answer. Owns the shapes and the
// rule of one job for an idempotency key; jobs.ts keeps them.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/subsect_161278579295.html
import { NetsuiteRefusal, invalidHeader, noSuchResource } from './errors.ts'
import type { Job } from './jobs.ts'
import type { Answer } from './operation.ts'
import type { Route, Run } from './route.ts'
import { self } from './render.ts'

export const jobRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/async/v1/job/:job', run: readJob },
  { method: 'GET', pattern: '/async/v1/job/:job/task', run: listTasks },
  { method: 'GET', pattern: '/async/v1/job/:job/task/:task', run: readTask },
  { method: 'GET', pattern: '/async/v1/job/:job/task/:task/result', run: readResult },
]

const keyHeader = 'x-netsuite-idempotency-key'

export function isAsync({ headers }: Run['operation']): boolean {
  return /\brespond-async\b/i.test(headers['prefer'] ?? '')
}

/** Keeps the operation as a job and says where it can be followed. */
export function submit({ company, operation, author }: Run): Answer {
  const key = operation.headers[keyHeader]
  if (key !== undefined && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(key)) {
    throw invalidHeader('X-NetSuite-Idempotency-Key', 'The idempotency key has to be a UUID.')
  }
  const earlier = key === undefined ? undefined : company.jobs.byKey(key)
  if (earlier) {
    const message =
      'A request with the same idempotency key is already submitted. See the "Location" header for a link to the previously submitted job'
    throw new NetsuiteRefusal(400, 'IDEMPOTENCY_ERROR', message, undefined, locate(earlier))
  }
  return { status: 202, headers: locate(company.jobs.submit(operation, key, author.context === 'UIF')) }
}

function locate({ id }: Job): Record<string, string> {
  return { location: `/services/rest/async/v1/job/${id}`, 'preference-applied': 'respond-async' }
}

function jobOf({ company, path, operation }: Run): Job {
  const job = company.jobs.get(path['job'] ?? '')
  // A job has one task, and it has the job's number.
  if (!job || (path['task'] !== undefined && path['task'] !== job.id)) throw noSuchResource(operation.path)
  return job
}

function readJob(run: Run): Answer {
  const job = jobOf(run)
  const url = `${run.base}/async/v1/job/${job.id}`
  return {
    status: 200,
    body: { links: self(url), ...progressOf(job), id: job.id, task: { links: self(`${url}/task`) } },
  }
}

function listTasks(run: Run): Answer {
  const { id } = jobOf(run)
  const url = `${run.base}/async/v1/job/${id}/task`
  const items = [{ links: self(`${url}/${id}`), id }]
  return { status: 200, body: { links: self(url), count: 1, hasMore: false, items, offset: 0, totalResults: 1 } }
}

function readTask(run: Run): Answer {
  const job = jobOf(run)
  const url = `${run.base}/async/v1/job/${job.id}/task/${job.id}`
  return {
    status: 200,
    body: { links: self(url), ...progressOf(job), id: job.id, result: { links: self(`${url}/result`) } },
  }
}

function readResult(run: Run): Answer {
  const { answer } = jobOf(run)
  if (!answer) throw noSuchResource(run.operation.path)
  return { status: answer.status, body: answer.body, headers: answer.headers ?? {} }
}

function progressOf({ answer }: Job): Record<string, unknown> {
  if (!answer) return { completed: false, progress: 'pending' }
  return { completed: true, progress: answer.status < 400 ? 'succeeded' : 'failed' }
}
