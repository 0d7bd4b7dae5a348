// Secrets of a KV engine, version 2: read with their version, written by check-and-set, erased with all versions. Source:
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
import { RowhouseError } from '@rowhouse/contracts'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as wait } from 'node:timers/promises'
import { errorsOf, isSealed, refusalOf } from './refusal.ts'
import type { Session } from './session.ts'
import type { Transport, VaultAnswer, VaultCall } from './transport.ts'

export interface KvSecret {
  /** Null: deleted, destroyed, or never there. */
  readonly data: unknown
  /** What a write compares with; 0: never there. */
  readonly version: number
}

/** 412: a standby that has not heard yet. 5xx but for sealed: a node that is going or coming. */
const TRIES_MAX = 3
const PAUSE_MS = 50

export class Kv {
  readonly #session: Session
  readonly #transport: Transport

  constructor(session: Session, transport: Transport) {
    this.#session = session
    this.#transport = transport
  }

  /** @throws RowhouseError credential_store_unavailable, credential_store_sealed, credential_store_refused */
  async read(mount: string, path: string): Promise<KvSecret> {
    const answer = await this.#repeated({ method: 'GET', path: `${mount}/data/${path}` })
    // Also what was deleted or destroyed answers 404, and then says its version.
    if (answer.status !== 200 && answer.status !== 404) throw refusalOf(answer, 'read credentials')
    const { data = null, metadata } = (answer.body['data'] ?? {}) as { data?: unknown; metadata?: { version?: number } }
    if (answer.status === 404 && metadata === undefined && errorsOf(answer).length > 0)
      throw refusalOf(answer, 'read credentials')
    return { data: answer.status === 200 ? data : null, version: metadata?.version ?? 0 }
  }

  /**
   * Writes over version `cas`, and over nothing else.
   *
   * @throws RowhouseError as `read`; credential_store_conflict
   */
  async write(mount: string, path: string, data: object, cas: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await this.#ask({
          method: 'POST',
          path: `${mount}/data/${path}`,
          body: { data, options: { cas } },
        })
        if (answer.status === 200) return
        if (answer.status === 400 && errorsOf(answer).some((text) => text.includes('did not match')))
          throw new RowhouseError('credential_store_conflict', undefined, {
            details: { store: 'hashicorp_vault', cas },
          })
        throw refusalOf(answer, 'write credentials')
      } catch (error) {
        if (!(error instanceof RowhouseError) || error.code === 'credential_store_refused') throw error
        if (error.code === 'credential_store_sealed' || attempt === TRIES_MAX) throw error
        // Nobody knows whether it was done; and a first try that was done makes the second one a conflict with itself.
        const now = await this.read(mount, path)
        if (now.version === cas + 1 && isDeepStrictEqual(now.data, data)) return
        if (now.version !== cas)
          throw new RowhouseError('credential_store_conflict', undefined, {
            details: { store: 'hashicorp_vault', cas },
          })
      }
    }
  }

  /** All versions, and that there ever were any. Nothing there is fine. @throws RowhouseError as `read` */
  async erase(mount: string, path: string): Promise<void> {
    const answer = await this.#repeated({ method: 'DELETE', path: `${mount}/metadata/${path}` })
    if (answer.status !== 204 && answer.status !== 404) throw refusalOf(answer, 'erase credentials')
  }

  /** Any other question of the API; for looking, not for changing. */
  look(call: VaultCall): Promise<VaultAnswer> {
    return this.#repeated(call)
  }

  /** What may be done twice. */
  async #repeated(call: VaultCall): Promise<VaultAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === TRIES_MAX
      try {
        const answer = await this.#ask(call)
        const passing = answer.status === 412 || (answer.status >= 500 && !isSealed(answer))
        if (!passing || last) return answer
      } catch (error) {
        if (last || !(error instanceof RowhouseError) || error.code !== 'credential_store_unavailable') throw error
      }
      await wait(PAUSE_MS * attempt)
    }
  }

  async #ask(call: VaultCall): Promise<VaultAnswer> {
    const token = await this.#session.token()
    const answer = await this.#transport.call({ ...call, token })
    if (answer.status !== 403 || !(await this.#session.refused(token))) return answer
    return this.#transport.call({ ...call, token: await this.#session.token() })
  }
}
