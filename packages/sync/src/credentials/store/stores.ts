// The stores that this process knows: one is written to; the others are read, so that the option can be changed while
// credentials still rest where they were.
import { RowhouseError } from '@rowhouse/contracts'
import { databaseStore } from './database-store.ts'
import type { CredentialStore, StoreKind } from './store.ts'
import { supabaseStore } from './supabase-store.ts'

export class Stores {
  readonly writes: CredentialStore
  readonly #known: ReadonlyMap<StoreKind, CredentialStore>

  /** Those in this database need no setting up, so they are read in any case. */
  constructor(writes: CredentialStore = databaseStore, reads: readonly CredentialStore[] = []) {
    this.writes = writes
    this.#known = new Map([databaseStore, supabaseStore, ...reads, writes].map((store) => [store.kind, store]))
  }

  /** @throws RowhouseError credential_store_refused */
  of(kind: StoreKind): CredentialStore {
    const store = this.#known.get(kind)
    if (store === undefined)
      throw new RowhouseError('credential_store_refused', `Credentials rest in ${kind}, which is not set up here.`, {
        details: { store: kind },
        hint: 'Set VAULT_ADDR and a way to log in, in every server and worker.',
      })
    return store
  }

  async close(): Promise<void> {
    for (const store of this.#known.values()) await store.close()
  }
}
