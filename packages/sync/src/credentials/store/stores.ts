// The stores that this process knows: one is written to; the others are read, so that the option can be changed while
// credentials still rest where they were.
import { RowhouseError } from '@rowhouse/contracts'
import { databaseStore } from './database-store.ts'
import type { CredentialStore, StoreKind } from './store.ts'

export class Stores {
  readonly writes: CredentialStore
  readonly #known: ReadonlyMap<StoreKind, CredentialStore>

  constructor(writes: CredentialStore = databaseStore, reads: readonly CredentialStore[] = []) {
    this.writes = writes
    this.#known = new Map([databaseStore, ...reads, writes].map((store) => [store.kind, store]))
  }

  /** @throws RowhouseError credential_store_unavailable */
  of(kind: StoreKind): CredentialStore {
    const store = this.#known.get(kind)
    if (store === undefined)
      throw new RowhouseError(
        'credential_store_unavailable',
        `Credentials rest in ${kind}, which is not set up here.`,
        {
          details: { store: kind },
        },
      )
    return store
  }
}
