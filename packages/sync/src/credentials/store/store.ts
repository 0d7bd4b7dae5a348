// Where sealed credentials rest. A store sees ciphertext only; it is written by whoever holds the lock of the connection's
// row in the catalogue, and a store outside of that transaction compares before it writes.
import type { Pool, PoolClient } from 'pg'

export const storeKinds = ['database', 'supabase_vault', 'hashicorp_vault'] as const
export type StoreKind = (typeof storeKinds)[number]

/** A connection's credentials, each value sealed. */
export interface SealedBundle {
  /** Grows with every refresh and every reconnect, never with a change of keys. */
  readonly version: number
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly clientId: string | null
  readonly clientSecret: string | null
  readonly expiresAtMs: number | null
}

/** What the catalogue's row says of a bundle. */
export interface Resting {
  readonly connectionId: string
  readonly organizationId: string
  readonly place: string | null
  /** What the store `database` holds. */
  readonly sealed: unknown
}

/** A bundle and the store's own mark of the state it was read in. */
export interface Held {
  readonly bundle: SealedBundle
  readonly mark: string | null
}

/** What the catalogue's row says after a write. */
export interface Kept {
  readonly place: string | null
  readonly sealed: SealedBundle | null
}

/** What `rowhouse doctor` says of a store. */
export interface StoreCheck {
  readonly ok: boolean
  readonly message: string
  /** What to do; null where nothing is wrong. */
  readonly fix: string | null
}

export interface CredentialStore {
  readonly kind: StoreKind
  /**
   * @throws RowhouseError credentials_unreadable: nothing there, or no bundle; credential_store_unavailable,
   * credential_store_sealed, credential_store_refused
   */
  read(database: Pool | PoolClient, resting: Resting): Promise<Held>
  /**
   * Puts a bundle in place of what was read, or of nothing.
   *
   * @param before what this store held when it was read; null when the connection's bundle rested elsewhere or nowhere
   * @throws RowhouseError as `read`; credential_store_conflict: somebody else has written meanwhile
   */
  write(client: PoolClient, resting: Omit<Resting, 'sealed'>, bundle: SealedBundle, before: Held | null): Promise<Kept>
  /** Erases what rests at a place that no row names. Nothing there is fine. @throws RowhouseError as `read` */
  erase(client: PoolClient, left: { readonly connectionId: string; readonly place: string }): Promise<void>
  /** Looks whether the store can be used, and changes nothing. */
  check(database: Pool | PoolClient): Promise<StoreCheck>
  close(): Promise<void>
}
