// Makes the short-lived tokens that rowhouse.enter() checks: `v1.<key id>.<payload>.<hmac-sha256>`.
// It holds the key of one database. It never sees a query, and a token never leaves the process but as a bind parameter.
import { createHmac } from 'node:crypto'

import type { Actor } from './context.ts'

/** The database refuses a token that lives longer than 60 s; the rest is room for the clocks. */
const LIFETIME_SECONDS = 45
/** How long one token serves the queries of one handle. Minting costs about 6 µs, a cached one nothing. */
const REUSE_MS = 5_000

export interface TokenKey {
  readonly databaseId: string
  readonly keyId: string
  readonly key: Buffer
}

/** @param nowMs the database's time, in epoch milliseconds */
export function mintToken(actor: Actor, { databaseId, keyId, key }: TokenKey, nowMs: number): string {
  const payload = JSON.stringify({ db: databaseId, ...actor, exp: Math.floor(nowMs / 1000) + LIFETIME_SECONDS })
  const signed = `v1.${keyId}.${Buffer.from(payload).toString('base64url')}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

/** The tokens of one handle: each is reused for a few seconds. It names the same actor and request all that time. */
export class TokenSource {
  readonly #actor: Actor
  #token = ''
  #key: TokenKey | null = null
  #mintedAtMs = 0

  constructor(actor: Actor) {
    this.#actor = actor
  }

  /** @param nowMs the database's time, in epoch milliseconds */
  token(key: TokenKey, nowMs: number): string {
    const ageMs = nowMs - this.#mintedAtMs
    if (this.#key === key && ageMs >= 0 && ageMs < REUSE_MS) return this.#token
    this.#token = mintToken(this.#actor, key, nowMs)
    this.#key = key
    this.#mintedAtMs = nowMs
    return this.#token
  }
}
