// Writes one batch of one kind of operation through sObject Collections, never all or none, so that a
// poison record fails alone. A create only creates: the token is a unique external id, and repeating it
// is refused as a duplicate that names the record. A conditional update is a call of its own, because
// the API takes the condition for a single record only.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
import { failed, hollow, ok, park, retry, splitBatch } from '../kit/answers.ts'
import type { Answer, ObjectSelection, WriteOperation, WriteResult } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import { apiPath, batchSizeMax } from './description.ts'
import { classify, errorOf, failureOf } from './failures.ts'
import type { SalesforceError } from './failures.ts'
import type { SalesforceObject } from './object.ts'
import { isId, longId, objectOf as objectOfSelection } from './objects.ts'
import { refusalOf, valuesToSend } from './outgoing.ts'
import { callHeaders } from './soql.ts'

type Update = Extract<WriteOperation, { kind: 'update' }>
const collections = `${apiPath}/composite/sobjects`

export async function write(
  http: ConnectorHttp,
  selection: ObjectSelection,
  operations: readonly WriteOperation[],
): Promise<Answer<readonly WriteResult[]>> {
  const object = objectOfSelection(selection)
  if (operations.length > batchSizeMax) {
    return failed(splitBatch(`Salesforce takes ${batchSizeMax} operations at once, not ${operations.length}.`))
  }
  if (new Set(operations.map(({ kind }) => kind)).size > 1) {
    return failed(splitBatch('A batch holds operations of one kind.'))
  }
  const ids = operations.flatMap((operation) => (operation.kind === 'create' ? [] : [operation.id]))
  if (new Set(ids).size < ids.length) return failed(splitBatch('A batch holds one operation on a record.'))

  const results = new Map<WriteOperation, WriteResult>()
  for (const operation of operations) {
    const refusal = refusedHere(object, operation)
    if (refusal) results.set(operation, refusal)
  }
  const due = operations.filter((operation) => !results.has(operation))
  const conditional = due.filter((operation) => operation.kind === 'update' && operation.unmodifiedSince !== undefined)
  const together = due.filter((operation) => !conditional.includes(operation))
  const [only, ...others] = together
  if (only !== undefined) {
    const answer = await send(http, object, together)
    const failure = wholeFailure(answer, together.length)
    if (failure && (others.length > 0 || (failure.action !== 'park' && failure.action !== 'split_batch'))) {
      return failed(failure.action === 'park' ? splitBatch(failure.reason) : failure)
    }
    for (const [index, operation] of together.entries()) {
      results.set(operation, failure ? refusedAlone(operation, failure) : resultOf(object, operation, answer, index))
    }
  }
  await updateEach(http, object, conditional as readonly Update[], results)
  return ok(operations.map((operation) => results.get(operation)!))
}

function send(
  http: ConnectorHttp,
  object: SalesforceObject,
  operations: readonly WriteOperation[],
): Promise<HttpAnswer> {
  const kind = operations[0]?.kind
  if (kind === 'delete') {
    const ids = operations.flatMap((operation) => (operation.kind === 'delete' ? [operation.id] : []))
    const path = `${collections}?ids=${ids.join(',')}&allOrNone=false`
    return http.request({ method: 'DELETE', path, headers: callHeaders })
  }
  const records = operations.map((operation) => ({
    attributes: { type: object.remoteName },
    ...(operation.kind === 'update' ? { id: operation.id } : {}),
    ...(operation.kind === 'create' && object.createTokenField !== null
      ? { [object.createTokenField]: operation.createToken }
      : {}),
    ...(operation.kind === 'delete' ? {} : valuesToSend(object, operation)),
  }))
  const method = kind === 'create' ? 'POST' : 'PATCH'
  return http.request({ method, path: collections, json: { allOrNone: false, records }, headers: callHeaders })
}

/** Updates with a condition, one call each. What closes the account's gate leaves the rest unsent. */
async function updateEach(
  http: ConnectorHttp,
  object: SalesforceObject,
  operations: readonly Update[],
  results: Map<WriteOperation, WriteResult>,
): Promise<void> {
  let stop: Failure | null = null
  for (const operation of operations) {
    const { key } = operation
    const result: WriteResult =
      stop === null ? await updateOne(http, object, operation) : { key, outcome: 'failed', failure: stop }
    results.set(operation, result)
    if (result.outcome === 'failed' && result.failure.action !== 'park') stop = result.failure
  }
}

async function updateOne(http: ConnectorHttp, object: SalesforceObject, operation: Update): Promise<WriteResult> {
  const { key, id, unmodifiedSince = '' } = operation
  const answer = await http.request({
    method: 'PATCH',
    path: `${apiPath}/sobjects/${object.remoteName}/${id}`,
    json: valuesToSend(object, operation),
    // The header has whole seconds: a change later in the same second is not noticed.
    headers: { ...callHeaders, 'if-unmodified-since': new Date(unmodifiedSince).toUTCString() },
  })
  if (answer.status === 412) return { key, outcome: 'changed', reason: `The record changed after ${unmodifiedSince}.` }
  const failure = classify(answer)
  // A change has no body. Believed without looking, an error with status 200 would have it undone by the next read.
  if (answer.status === 204) return { key, outcome: 'done', id, record: null }
  if (!failure) return { key, outcome: 'failed', failure: hollow('Salesforce') }
  if (failure.action !== 'park') return { key, outcome: 'failed', failure }
  return refusedResult(object, operation, errorOf(answer.body, answer.status))
}

/** The call's own failure; null when every record has an entry. */
function wholeFailure(answer: HttpAnswer, count: number): Failure | null {
  const failure = classify(answer)
  if (failure) return failure
  if (arrayOf(answer.body).length === count) return null
  return hollow('Salesforce')
}

/** A batch of one that was refused as a whole: no splitting helps any more. */
function refusedAlone({ key }: WriteOperation, failure: Failure): WriteResult {
  return {
    key,
    outcome: 'failed',
    failure: failure.action === 'split_batch' ? park('too_large', failure.reason) : failure,
  }
}

function resultOf(object: SalesforceObject, operation: WriteOperation, answer: HttpAnswer, index: number): WriteResult {
  const { key } = operation
  const entry = objectOf(arrayOf(answer.body)[index])
  const id = textOf(entry['id']) ?? (operation.kind === 'create' ? null : operation.id)
  if (entry['success'] === true && id !== null) return { key, outcome: 'done', id, record: null }
  const errors = arrayOf(entry['errors'])
  if (errors.length === 0) {
    return { key, outcome: 'failed', failure: retry('Salesforce did not say what became of this record.') }
  }
  return refusedResult(object, operation, errorOf(errors, answer.status))
}

function refusedResult(object: SalesforceObject, operation: WriteOperation, error: SalesforceError): WriteResult {
  const { key } = operation
  const reason = `${error.code}: ${error.message}`
  const general = failureOf(error)
  if (general) return { key, outcome: 'failed', failure: general }
  if (error.code === 'DUPLICATE_VALUE' || error.code === 'DUPLICATES_DETECTED') {
    const id = /\b(?:id:\s*)([a-zA-Z0-9]{15,18})\b/.exec(error.message)?.[1] ?? null
    return { key, outcome: 'exists', id: id === null ? null : longId(id), reason }
  }
  if (absentCodes.has(error.code)) {
    const isReference = error.fields.some((name) =>
      Object.values(object.referenceFields).some(({ field }) => field === name),
    )
    if (isReference || operation.kind === 'create') {
      return { key, outcome: 'failed', failure: park('reference_not_found', reason) }
    }
    // Deleting what is gone is done.
    if (operation.kind === 'delete') return { key, outcome: 'done', id: operation.id, record: null }
    return { key, outcome: 'gone', reason }
  }
  return { key, outcome: 'failed', failure: park(error.code.toLowerCase(), reason) }
}

const absentCodes = new Set(['NOT_FOUND', 'ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY', 'MALFORMED_ID'])

/** What needs no call to be refused: an id that cannot be one, and what Salesforce would not take as it is. */
function refusedHere(object: SalesforceObject, operation: WriteOperation): WriteResult | null {
  const { key } = operation
  if (operation.kind !== 'create' && !isId(operation.id)) {
    if (operation.kind === 'delete') return { key, outcome: 'done', id: operation.id, record: null }
    return { key, outcome: 'gone', reason: `${operation.id} is not an id of Salesforce.` }
  }
  const failure = operation.kind === 'delete' ? null : refusalOf(object, operation)
  return failure === null ? null : { key, outcome: 'failed', failure }
}
