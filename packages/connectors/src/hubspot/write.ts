// Writes one batch of one kind of operation. Owns how a batch's answer is told apart into one result per
// operation: a trace id per input names it in results and errors. A batch refused as a whole is split
// by the engine; a batch of one is that record's own failure.
// HubSpot has no conditional write: `unmodifiedSince` has no effect here, and only changed fields are sent.
import { failed, ok, park, retry, splitBatch } from '../kit/answers.ts'
import type { Answer, ObjectSelection, WriteOperation, WriteResult } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { distinct } from '../kit/batches.ts'
import { arrayOf, objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { associationsToSend, writeReference } from './associations.ts'
import type { Wanted } from './associations.ts'
import { batchSizeMax, tokenProperty } from './description.ts'
import { classify, holderOf, isGone, reasonOf, recordFailure } from './failures.ts'
import type { HubspotObject } from './object.ts'
import { objectOf as objectOfSelection, objectPath } from './objects.ts'
import { propertiesToSend, recordOf } from './records.ts'

type Create = Extract<WriteOperation, { kind: 'create' }>
type Update = Extract<WriteOperation, { kind: 'update' }>
type Delete = Extract<WriteOperation, { kind: 'delete' }>

export async function write(
  http: ConnectorHttp,
  selection: ObjectSelection,
  operations: readonly WriteOperation[],
): Promise<Answer<readonly WriteResult[]>> {
  const object = objectOfSelection(selection)
  if (operations.length === 0) return ok([])
  if (operations.length > batchSizeMax) {
    return failed(splitBatch(`HubSpot takes ${batchSizeMax} operations at once, not ${operations.length}.`))
  }
  const creates = operations.filter((operation) => operation.kind === 'create')
  if (creates.length === operations.length)
    return withoutIncomplete(object, creates, (some) => create(http, object, selection, some))
  const updates = operations.filter((operation) => operation.kind === 'update')
  if (updates.length === operations.length)
    return withoutIncomplete(object, updates, (some) => update(http, object, selection, some))
  const deletes = operations.filter((operation) => operation.kind === 'delete')
  if (deletes.length === operations.length) return archive(http, object, deletes)
  return failed(splitBatch('A batch holds operations of one kind.'))
}

/** What needs no call to be refused: a record without its one required field. */
async function withoutIncomplete<Operation extends Create | Update>(
  object: HubspotObject,
  operations: readonly Operation[],
  send: (some: readonly Operation[]) => Promise<Answer<readonly WriteResult[]>>,
): Promise<Answer<readonly WriteResult[]>> {
  const complete = operations.filter((operation) => !isIncomplete(object, operation))
  const sent = complete.length === 0 ? ok([]) : await send(complete)
  if (!sent.ok || complete.length === operations.length) return sent
  const results = new Map(sent.value.map((result) => [result.key, result]))
  const reason = `HubSpot does not keep a ${object.name} without ${object.requiredField?.label}: fill it in here, and it is sent.`
  const failure = park('required_field_missing', reason)
  return ok(operations.map(({ key }) => results.get(key) ?? { key, outcome: 'failed', failure }))
}

function isIncomplete({ requiredField }: HubspotObject, { kind, fields }: Create | Update): boolean {
  if (requiredField === null) return false
  const { name } = requiredField
  return (kind === 'create' || name in fields) && !fields[name]?.trim()
}

async function create(
  http: ConnectorHttp,
  object: HubspotObject,
  selection: ObjectSelection,
  operations: readonly Create[],
): Promise<Answer<readonly WriteResult[]>> {
  const inputs = operations.map(({ fields, references, createToken }, index) => ({
    properties: { ...propertiesToSend(object, withoutEmpty(fields)), [tokenProperty]: createToken },
    associations: associationsToSend(object, references),
    objectWriteTraceId: String(index),
  }))
  const answer = await http.request({ method: 'POST', path: objectPath(object, '/batch/create'), json: { inputs } })
  return resultsOf(answer, object, selection, operations, (raw) => {
    const trace = textOf(raw['objectWriteTraceId'])
    if (trace !== null) return Number(trace)
    const token = textOf(objectOf(raw['properties'])[tokenProperty])
    return operations.findIndex((operation) => operation.createToken === token)
  })
}

async function update(
  http: ConnectorHttp,
  object: HubspotObject,
  selection: ObjectSelection,
  operations: readonly Update[],
): Promise<Answer<readonly WriteResult[]>> {
  // The batch endpoint refuses two inputs for one record, and their order would be unknown.
  if (new Set(operations.map(({ id }) => id)).size < operations.length) {
    return failed(splitBatch('A batch holds one update of a record.'))
  }
  const results = new Map<Update, WriteResult>()
  const withFields = operations.filter(({ fields }) => Object.keys(fields).length > 0)
  if (withFields.length > 0) {
    const inputs = withFields.map(({ id, fields }, index) => ({
      id,
      properties: propertiesToSend(object, fields),
      objectWriteTraceId: String(index),
    }))
    const answer = await http.request({ method: 'POST', path: objectPath(object, '/batch/update'), json: { inputs } })
    const sent = resultsOf(answer, object, selection, withFields, (raw) => {
      const trace = textOf(raw['objectWriteTraceId'])
      return trace === null ? withFields.findIndex(({ id }) => id === textOf(raw['id'])) : Number(trace)
    })
    if (!sent.ok) return sent
    for (const [index, result] of sent.value.entries()) results.set(withFields[index]!, result)
  }
  for (const operation of operations) {
    results.set(operation, results.get(operation) ?? done(operation.key, operation.id))
  }
  await writeReferences(http, object, operations, results)
  return ok(operations.map((operation) => results.get(operation)!))
}

/** Associations of the updates that went through; a refusal replaces their results, because a repeated update is harmless. */
async function writeReferences(
  http: ConnectorHttp,
  object: HubspotObject,
  operations: readonly Update[],
  results: Map<Update, WriteResult>,
): Promise<void> {
  for (const reference of distinct(operations.flatMap(({ references }) => Object.keys(references)))) {
    const due = operations.filter(
      (operation) => reference in operation.references && results.get(operation)?.outcome === 'done',
    )
    if (due.length === 0) continue
    const wanted = due.map(({ id, references }): Wanted => ({ id, parent: references[reference] ?? null }))
    const written = await writeReference(http, object, reference, wanted)
    if (!written.ok && written.failure.action === 'park' && due.length > 1) {
      // One unknown id refuses them all: find out whose, one call each, at most a batch's size.
      for (const [index, operation] of due.entries())
        refuse(results, operation, await writeReference(http, object, reference, [wanted[index]!]))
    } else {
      for (const operation of due) refuse(results, operation, written)
    }
  }
}

function refuse(
  results: Map<Update, WriteResult>,
  operation: Update,
  written: Awaited<ReturnType<typeof writeReference>>,
): void {
  const refused = written.ok ? written.value.get(operation.id) : written
  if (refused === undefined || refused.ok) return
  results.set(operation, { key: operation.key, outcome: 'failed', failure: refused.failure })
}

// HubSpot answers 204 for unknown and archived ids as well: deleting twice is deleting once.
async function archive(
  http: ConnectorHttp,
  object: HubspotObject,
  operations: readonly Delete[],
): Promise<Answer<readonly WriteResult[]>> {
  const inputs = operations.map(({ id }) => ({ id }))
  const answer = await http.request({ method: 'POST', path: objectPath(object, '/batch/archive'), json: { inputs } })
  if (answer.status === 204) return ok(operations.map(({ key, id }) => done(key, id)))
  // Of any other success nobody knows what it means.
  return refusedWhole(answer, operations) ?? ok(operations.map((operation) => unknownFate(operation)))
}

function done(key: string, id: string): WriteResult {
  return { key, outcome: 'done', id, record: null }
}

/** One result per operation, in order, from a 200, 201 or 207. */
function resultsOf(
  answer: HttpAnswer,
  object: HubspotObject,
  selection: ObjectSelection,
  operations: readonly (Create | Update)[],
  indexOf: (raw: JsonObject) => number,
): Answer<readonly WriteResult[]> {
  const refused = refusedWhole(answer, operations)
  if (refused) return refused
  const results: (WriteResult | undefined)[] = operations.map(() => undefined)
  for (const raw of arrayOf(objectOf(answer.body)['results']).map((result) => objectOf(result))) {
    const record = recordOf(object, selection, raw, {}, 'omit')
    const operation = operations[indexOf(raw)]
    if (record && operation) {
      results[operations.indexOf(operation)] = { key: operation.key, outcome: 'done', id: record.id, record }
    }
  }
  const unnamed: JsonObject[] = []
  for (const error of arrayOf(objectOf(answer.body)['errors']).map((entry) => objectOf(entry))) {
    const indexes = namedBy(error, operations)
    if (indexes.length === 0) unnamed.push(error)
    for (const index of indexes) results[index] ??= refusedOne(operations[index]!, error, answer.status)
  }
  const open = results.filter((result) => result === undefined).length
  // An error that names nobody can only be about the one input that has no result.
  const blame = open === 1 && unnamed.length === 1 ? unnamed[0] : undefined
  return ok(
    results.map((result, index) => {
      const operation = operations[index]!
      return result ?? (blame ? refusedOne(operation, blame, answer.status) : unknownFate(operation))
    }),
  )
}

/** The whole call's failure: the connection's, the batch's, or that of the only record. Null when it went through. */
function refusedWhole(
  answer: HttpAnswer,
  operations: readonly WriteOperation[],
): Answer<readonly WriteResult[]> | null {
  const failure = classify(answer)
  if (!failure) return null
  const [only, ...others] = operations
  if (failure.action !== 'park' && failure.action !== 'split_batch') return failed(failure)
  if (only === undefined || others.length > 0) return failed(splitBatch(failure.reason))
  return ok([refusedOne(only, objectOf(answer.body), answer.status, failure)])
}

function refusedOne(operation: WriteOperation, error: JsonObject, status: number, failure?: Failure): WriteResult {
  const { key } = operation
  const reason = reasonOf(error, status)
  const holder = holderOf(error)
  if (holder) return { key, outcome: 'exists', id: holder.id, reason }
  // A create that is told 'not found' means the company it belongs to, not itself.
  if (isGone(error, status)) {
    if (operation.kind !== 'create') return { key, outcome: 'gone', reason }
    return { key, outcome: 'failed', failure: park('reference_not_found', reason) }
  }
  // Alone and still too large: no splitting helps.
  if (failure?.action === 'split_batch') return { key, outcome: 'failed', failure: park('too_large', reason) }
  return { key, outcome: 'failed', failure: failure ?? recordFailure(error, status) }
}

/** Positions of the operations an error entry names: by trace id, by record id. */
function namedBy(error: JsonObject, operations: readonly WriteOperation[]): number[] {
  const context = objectOf(error['context'])
  const traces = [...texts(context['objectWriteTraceId']), ...texts(error['objectWriteTraceId'])]
  if (traces.length > 0) return traces.map(Number).filter((index) => operations[index] !== undefined)
  const ids = new Set([...texts(context['ids']), ...texts(context['id']), ...texts(error['id'])])
  return operations.flatMap((operation, index) => (operation.kind !== 'create' && ids.has(operation.id) ? [index] : []))
}

function unknownFate({ key }: WriteOperation): WriteResult {
  return { key, outcome: 'failed', failure: retry('HubSpot did not say what became of this record.') }
}

function texts(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).flatMap((entry) => textOf(entry) ?? [])
}

// A new record has nothing to clear.
function withoutEmpty(fields: Create['fields']): Create['fields'] {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== ''))
}
