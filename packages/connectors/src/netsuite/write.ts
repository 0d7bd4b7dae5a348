// Writes one batch of one kind of operation, one call a record. NetSuite's batches are asynchronous only: their
// answer has no bound in time, and a change that is done late would overwrite what was agreed on meanwhile. A create
// only creates, never an upsert by `eid:`, which would write over what somebody made of the record: its external id
// is the token, and repeating it is refused. An answer that never came leaves the whole batch unsettled, and it is
// looked up before anything is sent again.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545141500.html
import { createHash } from 'node:crypto'
import { failed, hollow, isSuccess, ok, park, retry, splitBatch } from '../kit/answers.ts'
import type { Answer, ObjectSelection, WriteOperation, WriteResult } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer, HttpRequest } from '../kit/http.ts'
import { batchSizeMax, linesField, tokenField } from './description.ts'
import type { NetsuiteObject } from './description.ts'
import { ask, classify, errorOf } from './failures.ts'
import { hasLines, isId, kindOf, objectNamed, referenceField, valuesToSend } from './objects.ts'
import { tokenColumn } from './rows.ts'
import { query, quote } from './suiteql.ts'
import { isTooPrecise } from './values.ts'

export async function write(
  http: ConnectorHttp,
  selection: ObjectSelection,
  operations: readonly WriteOperation[],
): Promise<Answer<readonly WriteResult[]>> {
  const object = objectNamed(selection.object)
  if (operations.length > batchSizeMax) {
    return failed(splitBatch(`NetSuite is given ${batchSizeMax} records at once, not ${operations.length}.`))
  }
  if (new Set(operations.map(({ kind }) => kind)).size > 1) {
    return failed(splitBatch('A batch holds operations of one kind.'))
  }
  const results: WriteResult[] = []
  let stop: Failure | null = null
  let calls = 0
  for (const operation of operations) {
    const { key } = operation
    const refusal = refusedHere(object, selection, operation)
    if (refusal !== null || stop !== null) {
      results.push(refusal ?? { key, outcome: 'failed', failure: stop! })
      continue
    }
    const answer = await ask(http, requestOf(object, selection, operation))
    calls += 1
    const settled = await settle(http, object, selection, operation, answer)
    if (settled.outcome === 'unknown') return failed(settled.failure)
    if (settled.outcome === 'failed' && settled.failure.action !== 'park') {
      // Nothing was done yet: the failure is the whole batch's.
      if (calls === 1) return failed(settled.failure)
      stop = settled.failure
    }
    results.push(settled)
  }
  return ok(results)
}

function requestOf(object: NetsuiteObject, selection: ObjectSelection, operation: WriteOperation): HttpRequest {
  const path = `/services/rest/record/v1/${object.remoteName}`
  if (operation.kind === 'delete') return { method: 'DELETE', path: `${path}/${operation.id}` }
  const values = valuesToSend(object, selection, operation.fields, operation.references)
  if (operation.kind === 'update') {
    // All lines are given, so all that are there go: a line has no id that both sides know.
    const replaced = hasLines(object) && linesField in values ? `?replace=${linesField}` : ''
    return { method: 'PATCH', path: `${path}/${operation.id}${replaced}`, json: values }
  }
  const json = { ...object.defaults, ...named(object, values), [tokenField]: operation.createToken }
  return { method: 'POST', path, json, headers: { 'x-netsuite-idempotency-key': idempotencyKey(json) } }
}

/** A contact has to have a name of its own; where the row has only an address, that is it. */
function named(object: NetsuiteObject, values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (object.name !== 'contact' || values['firstName'] || values['lastName'] || values['entityId']) return values
  return values['email'] ? { ...values, entityId: values['email'] } : values
}

/**
 * One for each request as it is written, so that a record that was refused and mended is not taken for the one
 * before. NetSuite looks at it only where it works on a request asynchronously; the external id is what counts.
 * https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/subsect_164494900632.html
 */
function idempotencyKey(json: unknown): string {
  const hex = createHash('sha256').update(JSON.stringify(json)).digest('hex')
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

type Settled = WriteResult | { readonly outcome: 'unknown'; readonly failure: Failure }

async function settle(
  http: ConnectorHttp,
  object: NetsuiteObject,
  selection: ObjectSelection,
  operation: WriteOperation,
  answer: HttpAnswer,
): Promise<Settled> {
  const { key } = operation
  const failure = classify(answer)
  if (failure === null) {
    // What is made is named in a header; a change and a deletion have no body. Anything else may be an error with status 200.
    const id = operation.kind === 'create' ? createdId(answer) : answer.status === 204 ? operation.id : null
    if (id !== null) return { key, outcome: 'done', id, record: null }
    return { outcome: 'unknown', failure: hollow('NetSuite') }
  }
  // No answer, a page of a proxy or a server's error: it may have been done.
  const isCertain = answer.status >= 400 && answer.status < 500 && typeof answer.body !== 'string'
  if (!isCertain) return { outcome: 'unknown', failure }
  if (failure.action === 'split_batch') return refused(key, park('too_large', failure.reason))
  if (failure.action !== 'park') return refused(key, failure)
  if (answer.status === 404 && operation.kind !== 'create') {
    // Deleting what is gone is done.
    if (operation.kind === 'delete') return { key, outcome: 'done', id: operation.id, record: null }
    return { key, outcome: 'gone', reason: failure.reason }
  }
  return operation.kind === 'create'
    ? refusedCreate(http, object, selection, operation, answer, failure)
    : refused(key, parkedAs(object, selection, answer, failure))
}

/** The record may be refused because it is there already: its token says so, whatever the words. */
async function refusedCreate(
  http: ConnectorHttp,
  object: NetsuiteObject,
  selection: ObjectSelection,
  { key, createToken }: Extract<WriteOperation, { kind: 'create' }>,
  answer: HttpAnswer,
  failure: Failure,
): Promise<Settled> {
  const q = `SELECT t.id FROM ${object.table} t WHERE ${tokenColumn} = ${quote(createToken)}`
  const found = await query(http, q, 1)
  // It is refused all the same, and the next try asks again.
  const id = found.ok ? found.value.rows[0]?.['id'] : undefined
  if (typeof id === 'string' && isId(id)) return { key, outcome: 'exists', id, reason: failure.reason }
  const { code, message } = errorOf(answer.body, answer.status)
  if (code === 'IDEMPOTENCY_ERROR') return refused(key, retry(failure.reason))
  // Another record has the name; which one is not said, and a name is nothing to match by.
  if (/already exists|must have a unique name/i.test(message)) {
    return { key, outcome: 'exists', id: null, reason: failure.reason }
  }
  return refused(key, parkedAs(object, selection, answer, failure))
}

function refused(key: string, failure: Failure): WriteResult {
  return { key, outcome: 'failed', failure }
}

/** A reference that leads nowhere has a code of its own. */
function parkedAs(
  object: NetsuiteObject,
  { references, definition }: ObjectSelection,
  answer: HttpAnswer,
  failure: Failure,
): Failure {
  const { path } = errorOf(answer.body, answer.status)
  const fields = references.map((reference) => referenceField(object, reference, definition))
  return path !== null && fields.includes(path) ? park('reference_not_found', failure.reason) : failure
}

function createdId(answer: HttpAnswer): string | null {
  const id = answer.headers['location']?.split('/').at(-1) ?? ''
  return isSuccess(answer) && isId(id) ? id : null
}

/** What needs no call to be refused: an id that cannot be one, and a record without what it must have, or with what would be lost. */
function refusedHere(
  object: NetsuiteObject,
  { definition }: ObjectSelection,
  operation: WriteOperation,
): WriteResult | null {
  const { key } = operation
  if (operation.kind !== 'create' && !isId(operation.id)) {
    if (operation.kind === 'delete') return { key, outcome: 'done', id: operation.id, record: null }
    return { key, outcome: 'gone', reason: `${operation.id} is not an id of NetSuite.` }
  }
  if (operation.kind === 'delete') return null
  const precise = Object.entries(operation.fields).find(
    ([field, value]) => kindOf(object, field, definition) === 'number' && value !== null && isTooPrecise(value),
  )
  if (precise !== undefined) {
    const reason = `NetSuite does not keep all digits of ${precise[0]}: it has fifteen, and would keep another number.`
    return refused(key, park('number_too_precise', reason))
  }
  const missing = operation.kind === 'create' ? missingIn(object, operation) : null
  if (missing === null) return null
  const reason = `NetSuite does not keep a ${object.remoteName} without ${missing}: fill it in here, and it is sent.`
  return refused(key, park('required_field_missing', reason))
}

function missingIn(
  { name }: NetsuiteObject,
  { fields, references }: Extract<WriteOperation, { kind: 'create' }>,
): string | null {
  const has = (...names: readonly string[]): boolean => names.some((field) => fields[field]?.trim())
  if (name === 'company') return has('companyName', 'lastName') ? null : 'a name'
  if (name === 'contact') return has('firstName', 'lastName', 'entityId', 'email') ? null : 'a name'
  if (name !== 'sales_order') return null
  if (!references['company']) return 'a customer'
  return has(linesField) ? null : 'lines'
}
