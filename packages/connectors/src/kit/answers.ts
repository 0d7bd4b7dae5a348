// Answers and failures as values: constructors, and the failures that every provider over HTTP shares.
// Must not know any provider's error bodies.
import type { Answer } from './connector.ts'
import type { Failure } from './failure.ts'
import type { HttpAnswer } from './http.ts'
import { isObject } from './reading.ts'

/** A reason is shown to people and kept in the database: long enough to understand, never a whole page. */
export const reasonLengthMax = 500

export function ok<T>(value: T): Answer<T> {
  return { ok: true, value }
}

export function failed(failure: Failure): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure }
}

/** The failure of a read: there is no record to park and no batch to split, so a person has to look. */
export function unread(failure: Failure): { readonly ok: false; readonly failure: Failure } {
  return failed(failure.action === 'park' || failure.action === 'split_batch' ? pause(failure.reason) : failure)
}

export function retry(reason: string, afterMs: number | null = null, scope: 'call' | 'account' = 'call'): Failure {
  return { action: 'retry', reason: shorten(reason), afterMs, scope }
}

export function park(code: string, reason: string): Failure {
  return { action: 'park', code, reason: shorten(reason) }
}

export function pause(reason: string): Failure {
  return { action: 'pause', reason: shorten(reason), advice: null }
}

/** A pause whose reason is ours from the first word to the last: no value and no text of the provider. */
export function advise(advice: string): Failure {
  return { action: 'pause', reason: advice, advice }
}

export function splitBatch(reason: string): Failure {
  return { action: 'split_batch', reason: shorten(reason) }
}

export function resync(reason: string): Failure {
  return { action: 'resync', reason: shorten(reason) }
}

/**
 * Of a success that is not what was asked for: an error with status 200, a page of another server. Taken for a list without
 * entries, it would have every record that was asked for deleted, and a backfill be done before it began.
 */
export function hollow(provider: string): Failure {
  return retry(`${provider} answered with something else than what was asked for.`)
}

export function refreshCredentials(reason: string): Failure {
  return { action: 'refresh_credentials', reason: shorten(reason) }
}

export function shorten(text: string): string {
  return text.length <= reasonLengthMax ? text : `${text.slice(0, reasonLengthMax - 1)}…`
}

export function isSuccess(answer: HttpAnswer): boolean {
  return answer.status >= 200 && answer.status < 300
}

/**
 * What is the same for every provider: no answer, a page instead of JSON (a proxy, a maintenance
 * page), a server error, a redirect. Null when the provider's own mapping has to decide.
 */
export function transportFailure(answer: HttpAnswer): Failure | null {
  const { status, headers, body } = answer
  if (status === 0) return retry('The CRM did not answer.')
  if (status >= 500) return retry(`The CRM answered ${status}.`, retryAfterMs(headers))
  if (status >= 300 && status < 400) {
    return advise(`The CRM redirected (${status}): check the base URL of the connection.`)
  }
  // A 429 is understood by its status alone, whatever page comes with it.
  if (status !== 429 && typeof body === 'string' && body.trim() !== '') {
    return retry(`The CRM answered ${status} with a page instead of JSON.`, retryAfterMs(headers))
  }
  if (isSuccess(answer) && status !== 204 && !isObject(body) && !Array.isArray(body)) {
    return retry(`The CRM answered ${status} without a body.`)
  }
  return null
}

/** Retry-After in milliseconds: seconds, or a date measured against the answer's own Date. Null when absent or senseless. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | null {
  const value = headers['retry-after']?.trim()
  if (!value) return null
  if (/^\d{1,7}(?:\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000)
  const wait = Date.parse(value) - (dateMs(headers) ?? Number.NaN)
  return Number.isFinite(wait) ? Math.max(0, wait) : null
}

/** The provider's clock when it answered, in milliseconds since the epoch. Connectors have no clock of their own. */
export function dateMs(headers: Readonly<Record<string, string>>): number | null {
  const ms = Date.parse(headers['date'] ?? '')
  return Number.isFinite(ms) ? ms : null
}
