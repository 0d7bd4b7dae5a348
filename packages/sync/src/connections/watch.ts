// Tells subscribers of this process which connections changed, whichever process changed them. It asks one
// cheap question at a fixed pace, and only while somebody listens.
import type { ConnectionDetail } from '@rowhouse/contracts'
import type { Pool } from 'pg'
import { lastRevision, readChangedConnections } from './store.ts'
import type { StoredConnection } from './store.ts'

export type ConnectionListener = (connection: ConnectionDetail) => void

export class ConnectionWatch {
  readonly #pool: Pool
  readonly #detail: (stored: StoredConnection) => Promise<ConnectionDetail>
  readonly #everyMs: number
  readonly #onError: (error: unknown) => void
  readonly #listeners = new Set<ConnectionListener>()
  #timer: NodeJS.Timeout | null = null
  #revision: string | null = null
  #asking = false

  constructor(
    pool: Pool,
    detail: (stored: StoredConnection) => Promise<ConnectionDetail>,
    everyMs: number,
    onError: (error: unknown) => void,
  ) {
    this.#pool = pool
    this.#detail = detail
    this.#everyMs = everyMs
    this.#onError = onError
  }

  /** Calls `listener` for every change from now on. The returned function ends it. */
  subscribe(listener: ConnectionListener): () => void {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => {
      this.#ask().catch(this.#onError)
    }, this.#everyMs)
    this.#ask().catch(this.#onError)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.close()
    }
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#revision = null
    this.#listeners.clear()
  }

  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      if (this.#revision === null) {
        this.#revision = await lastRevision(this.#pool)
        return
      }
      for (const stored of await readChangedConnections(this.#pool, this.#revision)) {
        this.#revision = stored.revision
        const detail = await this.#detail(stored)
        for (const listener of this.#listeners) listener(detail)
      }
    } finally {
      this.#asking = false
    }
  }
}
