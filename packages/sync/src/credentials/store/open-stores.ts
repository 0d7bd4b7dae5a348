// Makes the stores that the configuration names. Nothing is called before the first credential is read or written.
import { RowhouseError } from '@rowhouse/contracts'
import { databaseStore } from './database-store.ts'
import { HashicorpStore } from './hashicorp/hashicorp-store.ts'
import type { HashicorpOptions } from './hashicorp/options.ts'
import { Stores } from './stores.ts'
import type { CredentialStore, StoreKind } from './store.ts'
import { supabaseStore } from './supabase-store.ts'

export interface StoreOptions {
  /** Where credentials are written from now on. @default 'database' */
  readonly store?: StoreKind | undefined
  /** The HashiCorp Vault; also where one is only read, while credentials are moved away. @default none */
  readonly hashicorp?: HashicorpOptions | null | undefined
}

/**
 * @param controlUrl URL of the login rowhouse_control
 * @throws RowhouseError invalid_option
 */
export function openStores({ store = 'database', hashicorp = null }: StoreOptions, controlUrl: string): Stores {
  const vault = hashicorp === null ? null : new HashicorpStore(hashicorp, controlUrl)
  const known: Record<StoreKind, CredentialStore | null> = {
    database: databaseStore,
    supabase_vault: supabaseStore,
    hashicorp_vault: vault,
  }
  const writes = known[store]
  if (writes === null)
    throw new RowhouseError('invalid_option', 'credentialStore.store is hashicorp_vault, and hashicorp is not given.', {
      details: { option: 'credentialStore.hashicorp' },
    })
  return new Stores(writes, vault === null ? [] : [vault])
}
