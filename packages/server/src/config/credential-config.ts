// What credentials are sealed with, as the environment says it; for the server, the workers and `rowhouse key`.
import { RowhouseError } from '@rowhouse/contracts'
import type { StoreOptions } from '@rowhouse/sync'
import { readStoreConfig } from './store-config.ts'
import { key } from './variables.ts'
import type { Environment } from './variables.ts'

export interface CredentialConfig {
  /** ROWHOUSE_ENCRYPTION_KEY, ≥ 32 characters: wraps the data keys that the CRM credentials are sealed with. */
  readonly encryptionKey: string
  /** ROWHOUSE_ENCRYPTION_KEY_PREVIOUS: the one before, until `rowhouse key rotate` has wrapped all anew. @default none */
  readonly previousEncryptionKey?: string | null
  /** ROWHOUSE_CREDENTIAL_STORE and what goes with it. @default in the database */
  readonly credentialStore?: StoreOptions
}

/**
 * Reads what credentials are sealed with.
 *
 * @throws RowhouseError encryption_key_missing, encryption_key_too_short, invalid_option
 */
export function readCredentialConfig(env: Environment = process.env): CredentialConfig {
  const previous = env['ROWHOUSE_ENCRYPTION_KEY_PREVIOUS'] ?? ''
  const encryptionKey = key(env, 'ROWHOUSE_ENCRYPTION_KEY', 'encryption_key_missing', 'encryption_key_too_short')
  if (previous !== '')
    key(env, 'ROWHOUSE_ENCRYPTION_KEY_PREVIOUS', 'encryption_key_missing', 'encryption_key_too_short')
  if (previous === encryptionKey)
    throw new RowhouseError('invalid_option', 'ROWHOUSE_ENCRYPTION_KEY_PREVIOUS is the current key.', {
      details: { option: 'ROWHOUSE_ENCRYPTION_KEY_PREVIOUS' },
      hint: 'Set it to the key before the current one, or leave it out.',
    })
  return {
    encryptionKey,
    previousEncryptionKey: previous === '' ? null : previous,
    credentialStore: readStoreConfig(env),
  }
}
