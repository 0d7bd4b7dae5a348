// A plain ConnectorHttp over undici: one request is one call on the wire, an answer that never came is
// status 0. For tests and probes; the sync engine adds budgets, credentials and tracing around its own.
// Must not follow redirects (a token would travel with them) and must not retry.
import { Agent, request as send } from 'undici'
import type { Dispatcher } from 'undici'
import { flatHeaders, readBody } from './body.ts'
import type { ConnectorHttp, HttpAnswer, HttpRequest } from './http.ts'

/** A page of 2,000 records of 10 KiB; more than that is a fault of the provider. */
export const bodySizeMaxBytes = 32 * 1024 * 1024

export interface HttpOptions {
  /** Base URL of the account's API, without a path of its own or with one that every path gets. */
  readonly baseUrl: string
  /** Bearer token; null sends none. @default null */
  readonly accessToken?: string | null
  /** Longest wait for headers and again for the body. @default 30000 */
  readonly timeoutMs?: number
  /** @default an agent of its own that keeps connections alive */
  readonly dispatcher?: Dispatcher
}

/** @example createHttp({ baseUrl: 'https://api.hubapi.com', accessToken }).request({ method: 'GET', path: '/crm/v3/…' }) */
export function createHttp(options: HttpOptions): ConnectorHttp {
  const { baseUrl, accessToken = null, timeoutMs = 30_000 } = options
  const dispatcher = options.dispatcher ?? new Agent()
  return {
    async request(request) {
      const url = resolve(baseUrl, request.path)
      if (url === null) return unanswered
      try {
        const answer = await send(url, {
          method: request.method,
          headers: headersOf(request, accessToken),
          body: bodyOf(request),
          headersTimeout: timeoutMs + (request.holdMs ?? 0),
          bodyTimeout: timeoutMs + (request.holdMs ?? 0),
          dispatcher,
        })
        const bytes = await readBytes(answer.body)
        if (bytes === null) return unanswered
        return { status: answer.statusCode, headers: flatHeaders(answer.headers), body: readBody(bytes) }
      } catch {
        return unanswered
      }
    },
  }
}

const unanswered: HttpAnswer = { status: 0, headers: {}, body: null }

// A next-page link may be absolute; a link to another origin would carry the token away.
function resolve(baseUrl: string, path: string): URL | null {
  const base = new URL(baseUrl)
  const url = new URL(/^https?:/i.test(path) ? path : base.href.replace(/\/$/, '') + path)
  return url.origin === base.origin ? url : null
}

function headersOf(request: HttpRequest, accessToken: string | null): Record<string, string> {
  return {
    accept: 'application/json',
    ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...request.headers,
    ...(accessToken === null || request.authorized === false ? {} : { authorization: `Bearer ${accessToken}` }),
  }
}

function bodyOf(request: HttpRequest): string | null {
  if (request.json !== undefined) return JSON.stringify(request.json)
  return request.form === undefined ? null : new URLSearchParams(request.form).toString()
}

async function readBytes(body: AsyncIterable<Uint8Array>): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > bodySizeMaxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
