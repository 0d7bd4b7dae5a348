// Derives every secret of a database from the master key. It stores nothing and connects to nothing.
import { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from 'node:crypto'

import { RowhouseError } from '@rowhouse/contracts'

const MASTER_KEY_LENGTH_MIN = 32
const HMAC_BLOCK_BYTES = 64
const SCRAM_ITERATIONS = 4096
const SALT_BYTES = 16

/** The logins Rowhouse makes; their passwords follow from the master key. */
export type LoginRole = 'rowhouse_app' | 'rowhouse_control' | 'rowhouse_migrator'

/** The login of the one organization of a home: `rowhouse_h_<16 hex digits>`. */
export type HomeLogin = `rowhouse_h_${string}`

/** @throws RowhouseError signing_key_missing, signing_key_too_short */
export function checkMasterKey(masterKey: string | undefined): string {
  if (masterKey === undefined || masterKey === '') throw new RowhouseError('signing_key_missing')
  if (masterKey.length < MASTER_KEY_LENGTH_MIN) throw new RowhouseError('signing_key_too_short')
  return masterKey
}

/**
 * The key that signs tokens for one database: HKDF-SHA256 of the master key, salted with the database's id (RFC 5869).
 * A clone has another id, so its tokens are worthless here and ours there.
 */
export function deriveTokenKey(masterKey: string, databaseId: string): Buffer {
  return Buffer.from(hkdfSync('sha256', checkMasterKey(masterKey), databaseId, 'rowhouse token v1', 32))
}

/** Names a token key without telling it: the first 8 hex digits of its SHA-256. */
export function tokenKeyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8)
}

/** The password of a login, base64url. The same on every machine that knows the master key. */
export function deriveLoginPassword(masterKey: string, role: LoginRole | HomeLogin): string {
  const bytes = hkdfSync('sha256', checkMasterKey(masterKey), '', `rowhouse login ${role} v1`, 32)
  return Buffer.from(bytes).toString('base64url')
}

/** The password of the administrator of a server that a driver makes, base64url: known again by who asks for it twice. */
export function deriveServerPassword(masterKey: string, server: string): string {
  const bytes = hkdfSync('sha256', checkMasterKey(masterKey), '', `rowhouse server ${server} v1`, 32)
  return Buffer.from(bytes).toString('base64url')
}

/** The connection URL of one of Rowhouse's logins, made from any URL of the same database. */
export function loginUrl(url: string, role: LoginRole | HomeLogin, masterKey: string): string {
  const login = new URL(url)
  login.username = role
  login.password = deriveLoginPassword(masterKey, role)
  return login.href
}

/** The two padded blocks of HMAC (RFC 2104), which the database stores in place of the key. */
export function hmacPads(key: Buffer): { inner: Buffer; outer: Buffer } {
  const block = Buffer.alloc(HMAC_BLOCK_BYTES)
  key.copy(block)
  return { inner: Buffer.from(block.map((byte) => byte ^ 0x36)), outer: Buffer.from(block.map((byte) => byte ^ 0x5c)) }
}

/**
 * What Postgres stores for a password (RFC 5803), so that the password itself never reaches a server log.
 *
 * @param iterations slow down who guesses; a password of 256 random bits is not guessed, see
 * docs/adr/0017-logins-of-homes-are-cheap-to-check.md
 */
export function scramVerifier(
  password: string,
  salt: Buffer = randomBytes(SALT_BYTES),
  iterations = SCRAM_ITERATIONS,
): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`
}
