// Makes the calls of a batch: one kind of operation at a time, in the provider's batch size, creates and
// updates before deletes. A batch that is refused as a whole is halved until the poison record is alone.
import type { Connector, Failure, WriteOperation, WriteResult } from '@rowhouse/connectors'
import { toCall } from '../apply/views.ts'
import { PutDown } from '../http/http.ts'
import type { EngineHttp } from '../http/http.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { selectionOf } from '../pull/selection.ts'
import type { Outgoing } from './plan-batch.ts'

/** What became of one delivery's call. */
export type Sent =
  | { readonly outgoing: Outgoing; readonly outcome: 'answered'; readonly result: WriteResult }
  /** The call may have been done: look before trying again. */
  | { readonly outgoing: Outgoing; readonly outcome: 'uncertain' }
  /** The call was not done. */
  | { readonly outgoing: Outgoing; readonly outcome: 'not_sent' }
  | { readonly outgoing: Outgoing; readonly outcome: 'poison'; readonly reason: string }

export interface SentBatch {
  readonly sent: readonly Sent[]
  /** What stopped the rest; null when all was answered. */
  readonly failure: Failure | PutDown | null
}

const kinds = ['create', 'update', 'delete'] as const

export async function sendBatch(
  connector: Connector,
  http: EngineHttp,
  mapped: MappedObject,
  outgoing: readonly Outgoing[],
): Promise<SentBatch> {
  const sent: Sent[] = []
  const chunks = kinds.flatMap((kind) => {
    const ours = outgoing.filter(({ delivery }) => delivery.kind === kind)
    return Array.from({ length: Math.ceil(ours.length / mapped.batchSizeMax) }, (_, index) =>
      ours.slice(index * mapped.batchSizeMax, (index + 1) * mapped.batchSizeMax),
    )
  })
  let failure: SentBatch['failure'] = null
  for (const chunk of chunks) {
    if (failure !== null) {
      sent.push(...chunk.map((one): Sent => ({ outgoing: one, outcome: 'not_sent' })))
      continue
    }
    const batch = await sendChunk(connector, http, mapped, chunk)
    sent.push(...batch.sent)
    failure = batch.failure
  }
  return { sent, failure }
}

async function sendChunk(
  connector: Connector,
  http: EngineHttp,
  mapped: MappedObject,
  chunk: readonly Outgoing[],
): Promise<SentBatch> {
  const all = (outcome: 'uncertain' | 'not_sent'): Sent[] => chunk.map((one) => ({ outgoing: one, outcome }))
  http.startCounting()
  try {
    const answer = await connector.write(
      http,
      selectionOf(mapped),
      chunk.map((one) => operationOf(mapped, one)),
    )
    if (answer.ok) {
      const results = new Map(answer.value.map((result) => [result.key, result]))
      return {
        sent: chunk.map((one): Sent => {
          const result = results.get(one.delivery.id)
          return result === undefined
            ? { outgoing: one, outcome: 'uncertain' }
            : { outgoing: one, outcome: 'answered', result }
        }),
        failure: null,
      }
    }
    if (answer.failure.action === 'split_batch')
      return await split(connector, http, mapped, chunk, answer.failure.reason)
    return { sent: all(http.nothingWasDone() ? 'not_sent' : 'uncertain'), failure: answer.failure }
  } catch (error) {
    if (!(error instanceof PutDown)) throw error
    return { sent: all(http.nothingWasDone() ? 'not_sent' : 'uncertain'), failure: error }
  }
}

async function split(
  connector: Connector,
  http: EngineHttp,
  mapped: MappedObject,
  chunk: readonly Outgoing[],
  reason: string,
): Promise<SentBatch> {
  const [only] = chunk
  if (only === undefined) return { sent: [], failure: null }
  if (chunk.length === 1) return { sent: [{ outgoing: only, outcome: 'poison', reason }], failure: null }
  const middle = Math.ceil(chunk.length / 2)
  const first = await sendChunk(connector, http, mapped, chunk.slice(0, middle))
  const rest = chunk.slice(middle)
  if (first.failure !== null)
    return {
      sent: [...first.sent, ...rest.map((one): Sent => ({ outgoing: one, outcome: 'not_sent' }))],
      failure: first.failure,
    }
  const second = await sendChunk(connector, http, mapped, rest)
  return { sent: [...first.sent, ...second.sent], failure: second.failure }
}

function operationOf(mapped: MappedObject, { delivery, createToken }: Outgoing): WriteOperation {
  const key = delivery.id
  if (delivery.kind === 'delete') return { kind: 'delete', key, id: delivery.remoteId ?? '' }
  const { fields, references } = toCall(mapped, delivery.sent)
  if (delivery.kind === 'create') return { kind: 'create', key, createToken: createToken ?? '', fields, references }
  return {
    kind: 'update',
    key,
    id: delivery.remoteId ?? '',
    fields,
    references,
    ...(delivery.priorVersion ? { unmodifiedSince: delivery.priorVersion } : {}),
  }
}
