// The HTTP a connector is given: one request is one call on the wire, paid from the account's budget
// before it leaves, bounded in time and size, never followed elsewhere, never sent when the lease is
// about to end. It retries nothing and says nothing of headers or bodies, and an answer never shows what it was asked with.
import { request as send } from 'undici'
import type { Dispatcher } from 'undici'
import { RowhouseError } from '@rowhouse/contracts'
import { flatHeaders, readBody } from '@rowhouse/connectors'
import type { BudgetDescription, ConnectorHttp, HttpAnswer, HttpRequest } from '@rowhouse/connectors'
import type { Grant } from '../budget/budgets.ts'
import { redact as removeSecrets } from '../credentials/redact.ts'
import type { Redact } from '../credentials/redact.ts'
import { withoutSecrets } from './secrets-of.ts'

export interface CallRecord {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
}

export interface HttpOptions {
  readonly baseUrl: string
  /** Where token requests (unauthorized ones) go. */
  readonly tokenUrl: string | null
  readonly accessToken: () => string | Promise<string>
  readonly budgets: readonly BudgetDescription[]
  readonly take: (budget: BudgetDescription) => Promise<Grant>
  readonly timeoutMs: number
  /** Milliseconds left in which a call may be under way; null without a lease. */
  readonly leftMs: (() => number) | null
  /** How long a call may wait for its budget before the work is put down for later. */
  readonly budgetWaitMs: number
  readonly wait: (durationMs: number) => Promise<void>
  readonly now: () => number
  readonly observe: (call: CallRecord) => void
  /** Told each answer, whose headers may say how much of a budget is used. */
  readonly onAnswer: (answer: HttpAnswer) => void
  /** Ends what is under way. */
  readonly signal?: AbortSignal
  /** @default 33554432, 32 MiB */
  readonly bodyBytesMax?: number
  /** Takes what a call was made with out of its answer. */
  readonly redact?: Redact
  readonly dispatcher?: Dispatcher
}

const BODY_BYTES_MAX = 32 * 1024 * 1024
const WAITS_MAX = 50

/** Thrown through a connector to the engine: the budget is used up, or the lease is. */
export class PutDown extends Error {
  readonly retryMs: number
  constructor(reason: string, retryMs: number) {
    super(reason)
    this.name = 'PutDown'
    this.retryMs = retryMs
  }
}

/** An answer larger than is read at once. Thrown through a connector by a question that can be asked in parts. */
class AnswerTooLarge extends Error {
  constructor() {
    super('The answer is too large.')
    this.name = 'AnswerTooLarge'
  }
}

export const tooLarge = Symbol('too large')

/** An HTTP client for one piece of work of one connection. */
export class EngineHttp implements ConnectorHttp {
  readonly #options: HttpOptions
  #statuses: number[] = []
  #inParts = false
  /** The provider's clock minus ours, as its last Date header showed it; null before. */
  clockOffsetMs: number | null = null

  constructor(options: HttpOptions) {
    this.#options = options
  }

  /** Begins to remember the statuses of one connector operation. */
  startCounting(): void {
    this.#statuses = []
  }

  /** Whether the calls since then certainly changed nothing: there was none, or the only one was refused. */
  nothingWasDone(): boolean {
    const [first, ...more] = this.#statuses
    return first === undefined || (more.length === 0 && first >= 400 && first < 500)
  }

  /** Asks what can be asked again in smaller parts; `tooLarge` when it has to be. A write never is: it may have been done. */
  async inParts<Value>(question: () => Promise<Value>): Promise<Value | typeof tooLarge> {
    this.#inParts = true
    try {
      return await question()
    } catch (error) {
      if (error instanceof AnswerTooLarge) return tooLarge
      throw error
    } finally {
      this.#inParts = false
    }
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    const options = this.#options
    const url = resolveUrl(request, options)
    // Before a call is paid for, and outside of what makes an answer of every failure: that it cannot be read is none of the CRM's.
    const token = request.authorized === false ? '' : await options.accessToken()
    const release = request.budget === null ? null : await this.#pay(request.budget ?? 'default')
    try {
      return await this.#call(url, request, token)
    } finally {
      // A slot that cannot be given back now lapses by itself.
      await release?.().catch(() => {})
    }
  }

  async #call(url: URL, request: HttpRequest, token: string): Promise<HttpAnswer> {
    const options = this.#options
    const leftMs = options.leftMs?.() ?? Number.POSITIVE_INFINITY
    if (leftMs < options.timeoutMs) throw new PutDown('The lease ends before the call would.', 0)
    const startedMs = options.now()
    const answer = await this.#send(url, request, token)
    this.#statuses.push(answer.status)
    const date = Date.parse(answer.headers['date'] ?? '')
    if (!Number.isNaN(date)) this.clockOffsetMs = date - options.now()
    options.onAnswer(answer)
    options.observe({
      method: request.method,
      path: url.pathname,
      status: answer.status,
      durationMs: options.now() - startedMs,
    })
    return answer
  }

  async #pay(name: string): Promise<(() => Promise<void>) | undefined> {
    const { budgets, budgetWaitMs, take, wait } = this.#options
    const budget = budgets.find((known) => known.name === name) ?? budgets[0]
    if (budget === undefined) return undefined
    let waitedMs = 0
    for (let attempt = 0; attempt < WAITS_MAX; attempt++) {
      const grant = await take(budget)
      if (grant.granted) return grant.release
      waitedMs += grant.retryMs
      if (waitedMs > budgetWaitMs) throw new PutDown('The API budget is used up.', grant.retryMs)
      await wait(grant.retryMs)
    }
    throw new PutDown('The API budget is used up.', budgetWaitMs)
  }

  async #send(url: URL, request: HttpRequest, token: string): Promise<HttpAnswer> {
    const { bodyBytesMax = BODY_BYTES_MAX, dispatcher, redact = removeSecrets, timeoutMs } = this.#options
    const timeout = AbortSignal.timeout(timeoutMs + (request.holdMs ?? 0))
    const signal = this.#options.signal === undefined ? timeout : AbortSignal.any([this.#options.signal, timeout])
    const body =
      request.form === undefined
        ? request.json === undefined
          ? null
          : JSON.stringify(request.json)
        : new URLSearchParams(request.form).toString()
    try {
      const answer = await send(url, {
        method: request.method,
        headers: {
          accept: 'application/json',
          'user-agent': 'rowhouse',
          ...(request.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(request.authorized === false ? {} : { authorization: `Bearer ${token}` }),
          ...request.headers,
        },
        body,
        signal,
        ...(dispatcher === undefined ? {} : { dispatcher }),
      })
      const bytes = await readBytes(answer.body, bodyBytesMax)
      const shown = withoutSecrets(bytes, answer.statusCode, request, () => token, redact)
      return { status: answer.statusCode, headers: flatHeaders(answer.headers), body: readBody(shown) }
    } catch (error) {
      if (error instanceof AnswerTooLarge && this.#inParts) throw error
      return { status: 0, headers: {}, body: error instanceof Error ? error.message : 'The call failed.' }
    }
  }
}

/** @throws RowhouseError connector_failed for a URL of another origin: the token would leave with it. */
function resolveUrl(request: HttpRequest, { baseUrl, tokenUrl }: HttpOptions): URL {
  if (request.authorized === false && tokenUrl !== null) return new URL(tokenUrl)
  const base = new URL(baseUrl)
  if (/^https?:/.test(request.path)) {
    const url = new URL(request.path)
    if (url.origin !== base.origin)
      throw new RowhouseError('connector_failed', `The connector asked for another origin: ${url.origin}.`)
    return url
  }
  return new URL(`${base.href.replace(/\/$/, '')}/${request.path.replace(/^\//, '')}`)
}

/** @throws AnswerTooLarge */
async function readBytes(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > bytesMax) throw new AnswerTooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
