// The one option that says where connections' credentials rest, and the stores that follow from it.
import { Stores } from './stores.ts'

/** @default { kind: 'database' } */
export interface CredentialStoreOptions {
  readonly kind: 'database'
}

export function openStores(_options: CredentialStoreOptions = { kind: 'database' }): Stores {
  return new Stores()
}
