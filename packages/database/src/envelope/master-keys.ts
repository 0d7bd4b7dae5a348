// The key-encryption keys: they wrap data keys and seal nothing else. One is current; while it is being changed the
// previous one still unwraps. Derived once from what the environment holds, kept in memory only.
import { RowhouseError } from '@rowhouse/contracts'
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const KEY_LENGTH_MIN = 32
const KEY_BYTES = 32
const ID_BYTES = 8
const IV_BYTES = 12
const TAG_BYTES = 16

/** A data key as it rests. */
export interface DataKey {
  readonly id: string
  /** Null for the product's own. */
  readonly organizationId: string | null
  /** Null once it was destroyed. */
  readonly wrapped: string | null
  readonly wrappedBy: string | null
}

export class MasterKeys {
  readonly currentId: string
  readonly #keys: ReadonlyMap<string, Buffer>

  /** @throws RowhouseError encryption_key_too_short */
  constructor(current: string, previous: string | null = null) {
    const given = previous === null ? [current] : [current, previous]
    if (given.some(({ length }) => length < KEY_LENGTH_MIN)) throw new RowhouseError('encryption_key_too_short')
    this.#keys = new Map(given.map((key) => [idOf(key), derive(key, 'rowhouse key-encryption key v1', KEY_BYTES)]))
    this.currentId = idOf(current)
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()]
  }

  /** A data key that nobody had before. */
  make(id: string, organizationId: string | null): DataKey {
    const key = randomBytes(KEY_BYTES)
    try {
      return this.wrap({ id, organizationId }, key)
    } finally {
      key.fill(0)
    }
  }

  wrap(of: Pick<DataKey, 'id' | 'organizationId'>, key: Buffer): DataKey {
    const wrappedBy = this.currentId
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#keys.get(wrappedBy) as Buffer, iv).setAAD(
      boundTo({ ...of, wrappedBy }),
    )
    const text = Buffer.concat([cipher.update(key), cipher.final()])
    const wrapped = `w1.${Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')}`
    return { id: of.id, organizationId: of.organizationId, wrapped, wrappedBy }
  }

  /** @throws RowhouseError credentials_unreadable: destroyed, of another organization, or wrapped by a key that is not here */
  unwrap(dataKey: DataKey): Buffer {
    const { wrapped, wrappedBy } = dataKey
    const master = this.#keys.get(wrappedBy ?? '')
    if (wrapped === null || master === undefined) throw unreadable(dataKey)
    try {
      const bytes = Buffer.from(wrapped.slice('w1.'.length), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', master, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(boundTo({ ...dataKey, wrappedBy: wrappedBy as string }))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
    } catch (cause) {
      throw unreadable(dataKey, cause)
    }
  }
}

const derive = (key: string, purpose: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, '', purpose, bytes))

const idOf = (key: string): string => derive(key, 'rowhouse key-encryption key id v1', ID_BYTES).toString('hex')

const boundTo = (key: { readonly id: string; readonly organizationId: string | null; readonly wrappedBy: string }) =>
  Buffer.from(JSON.stringify(['rowhouse data key v1', key.id, key.organizationId, key.wrappedBy]))

function unreadable({ id, wrapped, wrappedBy }: DataKey, cause?: unknown): RowhouseError {
  const message =
    wrapped === null
      ? `The data key ${id} was destroyed.`
      : `The data key ${id} is wrapped by the encryption key ${wrappedBy}, which cannot unwrap it here.`
  return new RowhouseError('credentials_unreadable', message, { details: { keyId: id, wrappedBy }, cause })
}
