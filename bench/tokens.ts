// Tokens for the variant that does by hand what the runtime does: reused for a few seconds, as the runtime's are.
import { createHmac } from 'node:crypto'

import { deriveTokenKey, tokenKeyId } from '@rowhouse/database'
import type { Pool } from 'pg'

const REUSE_MS = 5_000
const LIFETIME_SECONDS = 45

export async function mintTokens(
  pool: Pool,
  signingKey: string,
  { organizationId, userId }: { readonly organizationId: string; readonly userId: string },
): Promise<() => string> {
  const { rows } = await pool.query<{ database_id: string }>('select database_id from rowhouse.handshake()')
  const databaseId = rows[0]?.database_id ?? ''
  const key = deriveTokenKey(signingKey, databaseId)
  let token = ''
  let mintedAtMs = 0
  return () => {
    if (Date.now() - mintedAtMs < REUSE_MS) return token
    mintedAtMs = Date.now()
    const exp = Math.floor(mintedAtMs / 1000) + LIFETIME_SECONDS
    const claims = { db: databaseId, org: organizationId, kind: 'user', user: userId, service: null, connection: null }
    const payload = JSON.stringify({ ...claims, reason: null, origin: 'app', request: null, ip: null, exp })
    const signed = `v1.${tokenKeyId(key)}.${Buffer.from(payload).toString('base64url')}`
    token = `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
    return token
  }
}
