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

const ABSENT = '-'.repeat(36)
const letterOf: Readonly<Record<string, string>> = { user: 'u', service: 's', operator: 'o', sync: 'c', report: 'r' }

/** A signed token with these claims; an unknown kind is the letter x. */
export function mintToken(
  database: Pick<TestDatabase, 'databaseId' | 'signingKey'>,
  changes: Claims,
  key: Buffer = deriveTokenKey(database.signingKey, database.databaseId),
): string {
  const { db, org, kind, user, connection, exp, version, ...rest } = claimsOf(database, changes)
  const id = (value: unknown): string => (typeof value === 'string' ? value : ABSENT)
  const expiry = Number(exp).toFixed(3).padStart(14, '0')
  const fixed = `${id(db)}${id(org)}${letterOf[String(kind)] ?? 'x'}${id(kind === 'sync' ? connection : user)}${expiry}`
  const signed = `v1.${tokenKeyId(key)}.${fixed}${JSON.stringify({ version, ...rest })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('hex')}`
}
