// Sealing with whatever key is current, opening with whatever key a value names: what the rest of the engine sees of keys.
import { RowhouseError } from '@rowhouse/contracts'
import type { Pool, PoolClient } from 'pg'
import { currentDataKey, findDataKey } from './data-keys.ts'
import { KeyCache } from './key-cache.ts'
import type { KeyCacheOptions } from './key-cache.ts'
import { MasterKeys } from './master-keys.ts'
import { CredentialSeal, keyIdOf } from './seal.ts'
import type { SealedPlace } from './seal.ts'

export interface EnvelopeOptions {
  /** At least 32 characters: wraps the data keys. */
  readonly encryptionKey: string
  /** The one before, which still unwraps until every data key is wrapped anew. @default none */
  readonly previousEncryptionKey?: string | null | undefined
  readonly cache?: KeyCacheOptions
}

/** Values that are sealed together, with one key. */
export interface Sealer {
  readonly keyId: string
  seal(field: string, value: string): string
}

export class Envelope {
  readonly masters: MasterKeys
  readonly #cache: KeyCache
  readonly #seal: CredentialSeal

  /** @throws RowhouseError encryption_key_too_short */
  constructor({ encryptionKey, previousEncryptionKey = null, cache = {} }: EnvelopeOptions) {
    this.masters = new MasterKeys(encryptionKey, previousEncryptionKey)
    this.#cache = new KeyCache(cache)
    this.#seal = new CredentialSeal(this.masters, this.#cache)
  }

  /**
   * For values that `client`'s transaction is about to store; until its end the key stays what it is.
   *
   * @throws RowhouseError organization_key_destroyed
   */
  async sealer(client: PoolClient, organizationId: string | null, connectionId: string): Promise<Sealer> {
    const key = await currentDataKey(client, this.masters, organizationId)
    return {
      keyId: key.id,
      seal: (field, value) => this.#seal.seal(key, { organizationId, connectionId, field }, value),
    }
  }

  /** @throws RowhouseError credentials_unreadable, also for what is not of this form */
  async open(database: Pool | PoolClient, place: SealedPlace, sealed: string): Promise<string> {
    const [value] = await this.openAll(database, place, [[place.field, sealed]])
    return value as string
  }

  /** Values of one place, in order; null stays null. @throws RowhouseError credentials_unreadable */
  async openAll(
    database: Pool | PoolClient,
    place: Omit<SealedPlace, 'field'>,
    values: readonly (readonly [field: string, sealed: string | null])[],
  ): Promise<(string | null)[]> {
    const opened: (string | null)[] = []
    const keys = new Map<string, Awaited<ReturnType<typeof findDataKey>>>()
    for (const [field, sealed] of values) {
      if (sealed === null) {
        opened.push(null)
        continue
      }
      const id = keyIdOf(sealed)
      if (id === null)
        throw new RowhouseError('credentials_unreadable', 'The credentials name no data key.', {
          details: { connectionId: place.connectionId },
        })
      const key = keys.get(id) ?? (await findDataKey(database, id))
      keys.set(id, key)
      opened.push(this.#seal.open(key, { ...place, field }, sealed))
    }
    return opened
  }

  close(): void {
    this.#cache.close()
  }
}
