// Seals values for rest: AES-256-GCM with a data key, the place a value belongs to bound into it. What is sealed names its
// key; a ciphertext that is moved to another row does not open.
import { RowhouseError } from '@rowhouse/contracts'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyCache } from './key-cache.ts'
import type { DataKey, MasterKeys } from './master-keys.ts'

const IV_BYTES = 12
const TAG_BYTES = 16
const FORM = /^v2\.([0-9a-f-]{36})\.[\w-]+$/

/** Where a sealed value belongs. */
export interface SealedPlace {
  /** Null for the product's own. */
  readonly organizationId: string | null
  readonly connectionId: string
  readonly field: string
}

/** Where the URL of a cluster's administrator belongs. */
export const clusterPlace = (cluster: string): SealedPlace => ({
  organizationId: null,
  connectionId: `cluster ${cluster}`,
  field: 'admin',
})

const boundTo = ({ organizationId, connectionId, field }: SealedPlace): string =>
  JSON.stringify(['rowhouse credential v2', organizationId, connectionId, field])

/** The key that a sealed value names; null for what is not of this form. */
export const keyIdOf = (sealed: string): string | null => FORM.exec(sealed)?.[1] ?? null

export class CredentialSeal {
  readonly #masters: MasterKeys
  readonly #cache: KeyCache
  readonly #bind: (place: SealedPlace) => string

  /** `bind` is what a value is bound to; only a test that shows what the binding prevents gives another. */
  constructor(masters: MasterKeys, cache: KeyCache, bind = boundTo) {
    this.#masters = masters
    this.#cache = cache
    this.#bind = bind
  }

  /** @throws RowhouseError credentials_unreadable: the key is destroyed or wrapped by one that is not here */
  seal(key: DataKey, place: SealedPlace, value: string): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(key), iv).setAAD(Buffer.from(this.#bind(place)))
    const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
    return `v2.${key.id}.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`
  }

  /** @throws RowhouseError credentials_unreadable */
  open(key: DataKey | null, place: SealedPlace, sealed: string): string {
    const { connectionId } = place
    if (key === null || keyIdOf(sealed) !== key.id)
      throw new RowhouseError('credentials_unreadable', 'The credentials name no data key that is here.', {
        details: { connectionId, keyId: keyIdOf(sealed) },
      })
    const unwrapped = this.#keyOf(key)
    try {
      const bytes = Buffer.from(sealed.slice(`v2.${key.id}.`.length), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', unwrapped, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(this.#bind(place)))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch (cause) {
      throw new RowhouseError('credentials_unreadable', undefined, { cause, details: { connectionId, keyId: key.id } })
    }
  }

  /** A destroyed key does not work, also where it was used a moment ago. */
  #keyOf(key: DataKey): Buffer {
    if (key.wrapped === null) this.#cache.drop(key.id)
    return this.#cache.take(key.id, () => this.#masters.unwrap(key))
  }
}
