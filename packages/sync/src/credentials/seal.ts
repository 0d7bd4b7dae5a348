// Seals credentials for rest: AES-256-GCM, a key per organization derived from the encryption key, and the
// place a value belongs to bound into it. A ciphertext that is moved to another row does not open.
import { RowhouseError } from '@rowhouse/contracts'
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const KEY_LENGTH_MIN = 32
const IV_BYTES = 12
const TAG_BYTES = 16

/** Where a sealed value belongs. */
export interface SealedPlace {
  readonly organizationId: string
  readonly connectionId: string
  readonly field: string
}

export interface CredentialSeal {
  seal(place: SealedPlace, value: string): string
  /** @throws RowhouseError credentials_unreadable */
  open(place: SealedPlace, sealed: string): string
}

const boundTo = ({ organizationId, connectionId, field }: SealedPlace): string =>
  `${organizationId}|${connectionId}|${field}`

/**
 * `bind` is what a value is bound to; only a test that shows what the binding prevents gives another.
 *
 * @throws RowhouseError encryption_key_too_short
 */
export function createCredentialSeal(encryptionKey: string, bind = boundTo): CredentialSeal {
  if (encryptionKey.length < KEY_LENGTH_MIN) throw new RowhouseError('encryption_key_too_short')
  const keyOf = (organizationId: string): Buffer =>
    Buffer.from(hkdfSync('sha256', encryptionKey, organizationId, 'rowhouse credentials v1', 32))
  const additional = (place: SealedPlace): Buffer => Buffer.from(bind(place))
  return {
    seal(place, value) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keyOf(place.organizationId), iv).setAAD(additional(place))
      const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
      return `v1.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`
    },
    open(place, sealed) {
      try {
        const bytes = Buffer.from(sealed.slice('v1.'.length), 'base64url')
        const decipher = createDecipheriv('aes-256-gcm', keyOf(place.organizationId), bytes.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        })
          .setAAD(additional(place))
          .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
        return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch (cause) {
        throw new RowhouseError('credentials_unreadable', undefined, {
          cause,
          details: { connectionId: place.connectionId },
        })
      }
    },
  }
}
