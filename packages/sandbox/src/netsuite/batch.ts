// Batches: up to 100 records of one type in one request, always asynchronous, each record on its own.
// Owns reading the items and the entries of the result.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/article_0127092747.html
import { NetsuiteRefusal, invalidContent } from './errors.ts'
import { bodyOf, typeOf } from './route.ts'
import type { Answer, Operation } from './operation.ts'
import type { Run } from './route.ts'
import { upsertRecord } from './record-routes.ts'
import type { NetsuiteRecord } from './records.ts'
import type { RecordType } from './record-types.ts'
import { urlOf } from './render.ts'

export const batchMax = 100

/** Whether the request is one for many records. */
export function isBatch({ method, path, headers, query }: Operation): boolean {
  if (!/^\/record\/v1\/[^/]+$/.test(path)) return false
  const collection = /type=collection/i.test(headers['content-type'] ?? '')
  return (
    (collection && ['POST', 'PATCH', 'PUT'].includes(method)) ||
    (method === 'DELETE' && new URLSearchParams(query).has('id'))
  )
}

/** Checks what can be checked before the job is kept. Throws INVALID_CONTENT. */
export function checkBatch(operation: Operation): void {
  const count = operation.method === 'DELETE' ? idsOf(operation).length : itemsOf(operation).length
  if (count === 0 || count > batchMax) {
    throw new NetsuiteRefusal(400, 'INVALID_CONTENT', `A batch has 1 to ${batchMax} records, not ${count}.`, [
      'path',
      'items',
    ])
  }
}

export function runBatch(run: Run): Answer {
  const type = typeOf(run)
  const { operation, company, author } = run
  const results =
    operation.method === 'DELETE'
      ? idsOf(operation).map((id) =>
          attempt(() => {
            company.records.delete(type, company.records.required(type, id), author)
            return { status: 204 }
          }),
        )
      : itemsOf(operation).map((item) => attempt(() => entryOf(run, writeItem(run, type, item))))
  const written = results.filter(({ status }) => status < 300).length
  return {
    status: written === results.length ? 200 : 207,
    body: { count: results.length, hasMore: false, items: results, offset: 0, totalResults: results.length },
    written,
  }
}

function writeItem(run: Run, type: RecordType, item: Record<string, unknown>): NetsuiteRecord {
  const { records } = run.company
  const { id, ...input } = item
  if (run.operation.method === 'POST') return records.create(type, input, run.author)
  // The internal id comes before the external one.
  const key = typeof id === 'string' || typeof id === 'number' ? String(id) : eid(input['externalId'])
  if (run.operation.method === 'PUT') return upsertRecord(run, type, key, input).record
  return records.update(type, records.required(type, key), input, run.author)
}

function eid(externalId: unknown): string {
  if (typeof externalId === 'string' && externalId !== '') return `eid:${externalId}`
  throw invalidContent('An item needs an id or an externalId.', 'id')
}

function entryOf(run: Run, record: NetsuiteRecord): Entry {
  return { status: 204, location: urlOf(run.base, record), id: record.id }
}

interface Entry {
  readonly status: number
  readonly location?: string
  readonly id?: string
  readonly [key: string]: unknown
}

function attempt(work: () => Entry): Entry {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof NetsuiteRefusal)) throw error
    return { ...(error.body as Record<string, unknown>), status: error.status }
  }
}

function itemsOf(operation: Operation): Record<string, unknown>[] {
  const { items } = bodyOf(operation)
  if (Array.isArray(items) && items.every((item) => typeof item === 'object' && item !== null)) {
    return items as Record<string, unknown>[]
  }
  throw invalidContent('A batch is an object with items.', 'items')
}

function idsOf({ query }: Operation): string[] {
  return (new URLSearchParams(query).get('id') ?? '').split(',').filter((id) => id !== '')
}
