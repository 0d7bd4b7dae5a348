// Token-based authentication: OAuth 1.0 signatures with HMAC-SHA256, RFC 5849. Owns reading the header,
// the base string, the clock's tolerance and nonces; must not know records.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1534941088.html
import { createHmac, timingSafeEqual } from 'node:crypto'

/** A signature's time may be this far from the server's. */
const skewMs = 300_000
const noncesMax = 50_000

export interface SignedRequest {
  readonly method: string
  /** As the client wrote it, with the query. */
  readonly url: string
  readonly authorization: string
}

export interface Secrets {
  readonly consumerSecret: string
  readonly tokenSecret: string
}

export class Nonces {
  readonly #seen = new Map<string, number>()

  /** Whether the nonce is new within the tolerance. */
  take(nonce: string, now: number): boolean {
    const seenAt = this.#seen.get(nonce)
    if (seenAt !== undefined && seenAt > now - 2 * skewMs) return false
    this.#seen.set(nonce, now)
    if (this.#seen.size > noncesMax) this.#seen.delete(this.#seen.keys().next().value!)
    return true
  }
}

/** The parameters of an OAuth header; undefined when it is none. */
export function readHeader(authorization: string): Readonly<Record<string, string>> | undefined {
  if (!/^OAuth\s/i.test(authorization)) return undefined
  const pairs = [...authorization.slice(5).matchAll(/([\w]+)="([^"]*)"/g)]
  try {
    return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, decodeURIComponent(value)]))
  } catch {
    return undefined
  }
}

/** Whether the request was signed with these secrets, at this time, for the first time. */
export function isSigned(
  request: SignedRequest,
  header: Readonly<Record<string, string>>,
  secrets: Secrets,
  nonces: Nonces,
  now: number,
): boolean {
  if (header['oauth_signature_method'] !== 'HMAC-SHA256') return false
  const at = Number(header['oauth_timestamp']) * 1000
  if (!Number.isFinite(at) || Math.abs(at - now) > skewMs) return false
  const wanted = Buffer.from(signature(request, header, secrets))
  const given = Buffer.from(header['oauth_signature'] ?? '')
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) return false
  return nonces.take(`${header['oauth_token'] ?? ''} ${header['oauth_nonce'] ?? ''}`, now)
}

function signature({ method, url }: SignedRequest, header: Readonly<Record<string, string>>, secrets: Secrets): string {
  const { origin, pathname, searchParams } = new URL(url)
  const parameters = [
    ...searchParams,
    ...Object.entries(header).filter(([name]) => name !== 'realm' && name !== 'oauth_signature'),
  ]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
  const base = [method.toUpperCase(), encode(origin + pathname), encode(parameters.join('&'))].join('&')
  const key = `${encode(secrets.consumerSecret)}&${encode(secrets.tokenSecret)}`
  return createHmac('sha256', key).update(base).digest('base64')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
