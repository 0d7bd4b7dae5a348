// Members are known by uuid; issuers call people what they like. This is the one mapping between the two.
import { createHash } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The namespace of RFC 9562 for names that are URLs. */
const URL_NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')

/**
 * The user id of a token's `sub`: itself where it is a uuid (Supabase, most self-hosted issuers); otherwise uuid
 * version 5 (RFC 9562) of `<issuer>#<sub>` in the URL namespace. The issuer is part of it, so that two issuers'
 * "42" are two people.
 *
 * @example userIdOf('https://issuer.example', 'auth0|5f7c') // the same uuid, always
 */
export function userIdOf(issuer: string, sub: string): string {
  if (UUID.test(sub)) return sub.toLowerCase()
  const hash = createHash('sha1').update(URL_NAMESPACE).update(`${issuer}#${sub}`).digest().subarray(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
