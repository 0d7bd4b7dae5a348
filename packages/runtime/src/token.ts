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

const ABSENT = '-'.repeat(36)
const letterOf = { user: 'u', service: 's', operator: 'o', sync: 'c', report: 'r' } as const

/**
 * Fixed places first, so that the database cuts instead of parsing: database, organization, kind, person or
 * connection, expiry. The rest is JSON. See packages/database/migrations/0003_seal.sql.
 *
 * @param nowMs the database's time, in epoch milliseconds
 * @param version of the membership, which a home asks for (0801_placement.sql); the JSON begins with it
 */
export function mintToken(actor: Actor, { databaseId, keyId, key }: TokenKey, nowMs: number, version?: number): string {
  const { org, kind, user, connection, service, reason, origin, request, ip } = actor
  const expiry = (nowMs / 1000 + LIFETIME_SECONDS).toFixed(3)
  const fixed = `${databaseId}${org ?? ABSENT}${letterOf[kind]}${user ?? connection ?? ABSENT}${expiry}`
  const signed = `v1.${keyId}.${fixed}${JSON.stringify({ version, service, reason, origin, request, ip })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('hex')}`
}

/** The tokens of one handle: each is reused for a few seconds. It names the same actor and request all that time. */
export class TokenSource {
  readonly #actor: Actor
  #token = ''
  #key: TokenKey | null = null
  #mintedAtMs = 0
  #version: number | undefined

  constructor(actor: Actor) {
    this.#actor = actor
  }

  /** @param nowMs the database's time, in epoch milliseconds */
  token(key: TokenKey, nowMs: number, version?: number): string {
    const ageMs = nowMs - this.#mintedAtMs
    if (this.#key === key && this.#version === version && ageMs >= 0 && ageMs < REUSE_MS) return this.#token
    this.#token = mintToken(this.#actor, key, nowMs, version)
    this.#key = key
    this.#version = version
    this.#mintedAtMs = nowMs
    return this.#token
  }
}
