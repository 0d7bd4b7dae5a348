// The live stream over fetch, not EventSource: it sends headers, sees error answers and works in
// Node. It reconnects after network failures with bounded, jittered backoff and Last-Event-ID; a
// refusal of the server (4xx) ends it, because trying again would not change it.
import { eventsPath } from '@rowhouse/contracts'
import type { ServerEvent } from '@rowhouse/contracts'
import { ApiError, errorFromAnswer } from '../api-error.ts'
import { fetchOrThrow, queryOf } from '../send.ts'
import type { Sender } from '../send.ts'
import { createStreamParser } from './parse.ts'

export interface EventsFilter {
  /** Narrows the stream to one organization and adds its activity. @default every organization the caller sees */
  readonly organizationId?: string | undefined
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined
}

/** `open`: events flow (what was fetched before may be stale: fetch again) · `waiting`: the connection is lost, the next attempt comes by itself. */
export type EventsStatus = 'connecting' | 'open' | 'waiting'

export interface EventsOptions {
  readonly onStatus?: ((status: EventsStatus) => void) | undefined
  /** First pause before a reconnect; doubles up to retryMsMax. @default 500 */
  readonly retryMs?: number | undefined
  /** @default 15000 */
  readonly retryMsMax?: number | undefined
  /** Silence after which the connection counts as lost; the server sends a heartbeat every 15 s. @default 45000 */
  readonly silenceMsMax?: number | undefined
  /** Source of the jitter, in [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined
}

interface Position {
  lastEventId: string
}

export async function subscribe(
  sender: Sender,
  filter: EventsFilter,
  onEvent: (event: ServerEvent) => void,
  options: EventsOptions,
): Promise<void> {
  const { retryMs = 500, retryMsMax = 15_000, random = Math.random, onStatus = () => {} } = options
  const signal = filter.signal ?? new AbortController().signal
  const position: Position = { lastEventId: '' }
  let failures = 0
  while (!signal.aborted) {
    onStatus('connecting')
    let waitMs: number | null = null
    try {
      await readOnce(sender, filter, signal, position, options, {
        onOpen: () => {
          failures = 0
          onStatus('open')
        },
        onEvent,
      })
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ApiError) || !isTransient(error)) throw error
      if (error.retryAfterS !== null) waitMs = Math.min(error.retryAfterS * 1000, retryMsMax)
    }
    if (signal.aborted) return
    onStatus('waiting')
    const backoffMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(failures, 10))
    failures += 1
    await pause(waitMs ?? backoffMs * (0.5 + random() / 2), signal)
  }
}

function isTransient(error: ApiError): boolean {
  return error.status === 0 || error.status === 429 || error.status >= 500
}

/** One connection, from request to its end. Ends normally when the server closes it. */
async function readOnce(
  sender: Sender,
  filter: EventsFilter,
  signal: AbortSignal,
  position: Position,
  { silenceMsMax = 45_000 }: EventsOptions,
  on: { readonly onOpen: () => void; readonly onEvent: (event: ServerEvent) => void },
): Promise<void> {
  const silence = new AbortController()
  const either = AbortSignal.any([signal, silence.signal])
  let timer = setTimeout(() => silence.abort(), silenceMsMax)
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), silenceMsMax)
  }
  try {
    const url = sender.baseUrl + eventsPath + queryOf({ organizationId: filter.organizationId })
    const answer = await fetchOrThrow(sender, url, {
      headers: {
        accept: 'text/event-stream',
        ...(position.lastEventId === '' ? {} : { 'last-event-id': position.lastEventId }),
        ...sender.headers(),
      },
      signal: either,
    })
    if (!answer.ok) throw await errorFromAnswer(answer)
    if (answer.body === null) throw lost(new Error('The answer has no body.'))
    on.onOpen()
    await readMessages(answer.body, position, heard, on.onEvent)
  } catch (error) {
    // Silence and a cut connection are the same to the caller: lost, to be made again.
    if (silence.signal.aborted && !signal.aborted) throw lost(error)
    throw error
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

async function readMessages(
  body: ReadableStream<Uint8Array>,
  position: Position,
  heard: () => void,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const parser = createStreamParser()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  while (true) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw lost(error)
    })
    if (done) return
    heard()
    for (const message of parser.push(decoder.decode(value, { stream: true }))) {
      position.lastEventId = message.id
      const event = readEvent(message.data)
      if (event !== null) onEvent(event)
    }
  }
}

const known: ReadonlySet<string> = new Set<ServerEvent['type']>([
  'organization',
  'connection',
  'activity',
  'alert',
  'rollout',
])

/** Null for what this client does not know: a newer server may send more kinds of events. */
function readEvent(data: string): ServerEvent | null {
  try {
    const event = JSON.parse(data) as ServerEvent
    return known.has(event.type) ? event : null
  } catch {
    return null
  }
}

function lost(cause: unknown): ApiError {
  return new ApiError('server_unreachable', 'The live stream was cut.', { status: 0, cause })
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationMs)
    signal.addEventListener('abort', end)
  })
}
