// A KV engine of version 2, as https://github.com/hashicorp/vault-plugin-secrets-kv answers: versions, check-and-set,
// deleted and destroyed versions that still answer with their metadata, and what is gone for good with its metadata.
import type { VaultReply } from './reply.ts'
import { failed, found, nothing } from './reply.ts'

interface Version {
  data: unknown
  readonly createdAt: string
  deletedAt: string
  destroyed: boolean
}

interface Secret {
  current: number
  readonly versions: Map<number, Version>
  maxVersions: number
  casRequired: boolean
  custom: Record<string, string> | null
  readonly createdAt: string
  updatedAt: string
}

const VERSIONS_MAX = 10

export class KvEngine {
  readonly #secrets = new Map<string, Secret>()
  readonly #now: () => number
  /** While above 0, a read answers with the version before: a standby that is behind. */
  staleReads = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Everything that rests here, by path and version, as whoever has the disk and the keys would see it. */
  everything(): string[] {
    return [...this.#secrets].flatMap(([path, { versions }]) =>
      [...versions].map(([number, { data }]) => `${path}@${number} ${JSON.stringify(data)}`),
    )
  }

  /** The last version of each secret that has one. */
  current(): Map<string, unknown> {
    const all = new Map<string, unknown>()
    for (const [path, { current, versions }] of this.#secrets) {
      const version = versions.get(current)
      if (version !== undefined && version.deletedAt === '' && !version.destroyed) all.set(path, version.data)
    }
    return all
  }

  has(path: string): boolean {
    return this.#secrets.has(path)
  }

  read(path: string, wanted: number): VaultReply {
    const secret = this.#secrets.get(path)
    if (secret === undefined) return nothing()
    const behind = this.staleReads > 0 && secret.current > 1
    if (behind) this.staleReads -= 1
    const number = wanted > 0 ? wanted : secret.current - (behind ? 1 : 0)
    const version = secret.versions.get(number)
    if (version === undefined) return nothing()
    const gone = version.destroyed || version.deletedAt !== ''
    return {
      status: gone ? 404 : 200,
      data: { data: gone ? null : structuredClone(version.data), metadata: this.#describe(secret, number) },
    }
  }

  write(path: string, body: { readonly data?: unknown; readonly options?: { readonly cas?: unknown } }): VaultReply {
    if (typeof body.data !== 'object' || body.data === null) return failed(400, 'no data provided')
    const existing = this.#secrets.get(path)
    const at = this.#time()
    const secret = existing ?? {
      current: 0,
      versions: new Map(),
      maxVersions: VERSIONS_MAX,
      casRequired: false,
      custom: null,
      createdAt: at,
      updatedAt: at,
    }
    const cas = body.options?.cas
    if (cas === undefined && secret.casRequired) return failed(400, 'check-and-set parameter required for this call')
    if (cas !== undefined) {
      if (!Number.isSafeInteger(Number(cas))) return failed(400, 'error parsing check-and-set parameter')
      if (Number(cas) !== secret.current)
        return failed(400, 'check-and-set parameter did not match the current version')
    }
    secret.current += 1
    secret.updatedAt = at
    secret.versions.set(secret.current, { data: body.data, createdAt: at, deletedAt: '', destroyed: false })
    for (const number of secret.versions.keys())
      if (number <= secret.current - secret.maxVersions) secret.versions.delete(number)
    this.#secrets.set(path, secret)
    return found(this.#describe(secret, secret.current))
  }

  /** Versions are marked and can come back; without a list the last one. */
  delete(path: string, versions: readonly number[] | null): VaultReply {
    const secret = this.#secrets.get(path)
    for (const number of versions ?? [secret?.current ?? 0]) {
      const version = secret?.versions.get(number)
      if (version !== undefined && version.deletedAt === '') version.deletedAt = this.#time()
    }
    return { status: 204 }
  }

  undelete(path: string, versions: readonly number[]): VaultReply {
    for (const number of versions) {
      const version = this.#secrets.get(path)?.versions.get(number)
      if (version !== undefined) version.deletedAt = ''
    }
    return { status: 204 }
  }

  destroy(path: string, versions: readonly number[]): VaultReply {
    for (const number of versions) {
      const version = this.#secrets.get(path)?.versions.get(number)
      if (version !== undefined) Object.assign(version, { destroyed: true, data: null })
    }
    return { status: 204 }
  }

  readMetadata(path: string): VaultReply {
    const secret = this.#secrets.get(path)
    if (secret === undefined) return nothing()
    return found({
      cas_required: secret.casRequired,
      created_time: secret.createdAt,
      current_version: secret.current,
      custom_metadata: secret.custom,
      delete_version_after: '0s',
      max_versions: secret.maxVersions === VERSIONS_MAX ? 0 : secret.maxVersions,
      oldest_version: Math.min(...secret.versions.keys()),
      updated_time: secret.updatedAt,
      versions: Object.fromEntries(
        [...secret.versions].map(([number, { createdAt, deletedAt, destroyed }]) => [
          String(number),
          { created_time: createdAt, deletion_time: deletedAt, destroyed },
        ]),
      ),
    })
  }

  writeMetadata(path: string, body: { max_versions?: number; cas_required?: boolean }): VaultReply {
    const secret = this.#secrets.get(path)
    if (secret === undefined) return nothing()
    if (body.max_versions !== undefined) secret.maxVersions = body.max_versions || VERSIONS_MAX
    if (body.cas_required !== undefined) secret.casRequired = body.cas_required
    return { status: 204 }
  }

  deleteMetadata(path: string): VaultReply {
    this.#secrets.delete(path)
    return { status: 204 }
  }

  /** Names of one folder; those with a slash are folders. */
  list(folder: string): VaultReply {
    const prefix = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`
    const keys = [...this.#secrets.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length).replace(/\/.*$/, '/'))
    if (keys.length === 0) return nothing()
    return found({ keys: [...new Set(keys)].toSorted() })
  }

  #describe({ versions, custom }: Secret, number: number): object {
    const version = versions.get(number) as Version
    return {
      created_time: version.createdAt,
      custom_metadata: custom,
      deletion_time: version.deletedAt,
      destroyed: version.destroyed,
      version: number,
    }
  }

  #time(): string {
    return new Date(this.#now()).toISOString()
  }
}
