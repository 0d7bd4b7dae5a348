// Makes tokens the way the runtime does, and lets a test bend every part of them.
import { createHmac } from 'node:crypto'
import { deriveTokenKey, tokenKeyId } from '@rowhouse/database'

import type { TestDatabase } from './test-database.ts'

export type Claims = Readonly<Record<string, unknown>>

const LIFETIME_SECONDS = 45

/** The claims of a person in an organization; `changes` replaces any of them. */
export function claimsOf(database: Pick<TestDatabase, 'databaseId'>, changes: Claims): Claims {
  return {
    db: database.databaseId,
    org: null,
    kind: 'user',
    user: null,
    service: null,
    connection: null,
    reason: null,
    origin: 'app',
    request: null,
    ip: null,
    exp: Math.floor(Date.now() / 1000) + LIFETIME_SECONDS,
    ...changes,
  }
}

/** A signed token with these claims. */
export function mintToken(
  database: Pick<TestDatabase, 'databaseId' | 'signingKey'>,
  changes: Claims,
  key: Buffer = deriveTokenKey(database.signingKey, database.databaseId),
): string {
  const payload = Buffer.from(JSON.stringify(claimsOf(database, changes))).toString('base64url')
  const signed = `v1.${tokenKeyId(key)}.${payload}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}
