// One call: builds the URL, sends it, reads the answer or throws ApiError. Knows nothing of any
// particular endpoint.
import type { Endpoint } from '@rowhouse/contracts'
import { ApiError, errorFromAnswer } from './api-error.ts'

export interface Sender {
  readonly baseUrl: string
  readonly headers: () => Readonly<Record<string, string>>
  readonly fetch: typeof fetch
}

export interface SendInput {
  readonly params?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

export async function send(
  sender: Sender,
  endpoint: Pick<Endpoint, 'method' | 'path'>,
  input: SendInput,
): Promise<unknown> {
  const url = sender.baseUrl + pathOf(endpoint.path, input.params ?? {}) + queryOf(input.query ?? {})
  const answer = await fetchOrThrow(sender, url, {
    method: endpoint.method,
    headers: {
      accept: 'application/json',
      ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...sender.headers(),
    },
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  })
  if (!answer.ok) throw await errorFromAnswer(answer)
  try {
    return await answer.json()
  } catch (cause) {
    input.signal?.throwIfAborted()
    throw new ApiError('answer_invalid', `The answer of ${endpoint.method} ${endpoint.path} is not JSON.`, {
      status: answer.status,
      cause,
    })
  }
}

/** fetch whose failures are ApiError `server_unreachable`; an abort stays the abort's own reason. */
export async function fetchOrThrow(sender: Sender, url: string, init: RequestInit): Promise<Response> {
  try {
    return await sender.fetch(url, { ...init, credentials: 'same-origin' })
  } catch (cause) {
    init.signal?.throwIfAborted()
    throw new ApiError('server_unreachable', `The server at ${sender.baseUrl || 'this address'} does not answer.`, {
      status: 0,
      cause,
    })
  }
}

/** Fills `:name` of a path, each value escaped so that it stays one segment. */
export function pathOf(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = params[name]
    // URLs resolve `..` even when its dots are escaped: as a parameter it would climb to another endpoint.
    if (value === undefined || value === '' || value === '.' || value === '..') {
      throw new ApiError('invalid_option', `The call needs params.${name}, for ${path}.`, { status: 0 })
    }
    return encodeURIComponent(value)
  })
}

/** Undefined and null values are left out. */
export function queryOf(query: Readonly<Record<string, unknown>>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new ApiError('invalid_option', `query.${name} must be text, a number or a boolean.`, { status: 0 })
    }
    search.append(name, String(value))
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}
