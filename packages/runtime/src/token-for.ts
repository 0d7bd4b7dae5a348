// `rowhouse/token`: a token for tools that send rowhouse.enter() themselves, such as a check of a scratch database. What an
// application imports is createRowhouse, which mints its own.
import { deriveTokenKey, tokenKeyId } from '@rowhouse/database'

import { resolveActor } from './context.ts'
import type { Context } from './context.ts'
import { mintToken } from './token.ts'

export interface Signer {
  readonly databaseId: string
  /** The master key that the database's own is derived from. */
  readonly signingKey: string
}

/**
 * A token that is good for 45 seconds.
 *
 * @param nowMs the database's time, in epoch milliseconds
 * @param version of the membership, for the door of a home: rowhouse.placement() tells it
 * @throws RowhouseError invalid_option, signing_key_invalid
 *
 * @example
 * await client.query('select rowhouse.enter($1)', [tokenFor({ organizationId, userId }, { databaseId, signingKey }, Date.now())])
 */
export function tokenFor(
  context: Context,
  { databaseId, signingKey }: Signer,
  nowMs: number,
  version?: number,
): string {
  const key = deriveTokenKey(signingKey, databaseId)
  return mintToken(resolveActor(context), { databaseId, keyId: tokenKeyId(key), key }, nowMs, version)
}
