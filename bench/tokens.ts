// Tokens for the variant that does by hand what the runtime does: reused for a few seconds, as the runtime's are.
import { deriveTokenKey } from '@rowhouse/database'
import type { Pool } from 'pg'

import { mintToken } from '../packages/testkit/src/tokens.ts'

const REUSE_MS = 5_000

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
    token = mintToken({ databaseId, signingKey }, { org: organizationId, user: userId }, key)
    return token
  }
}
