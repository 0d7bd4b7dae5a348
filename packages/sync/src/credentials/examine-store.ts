// What `rowhouse doctor` asks of credential stores: can the one that is set up be used, and does everything rest there?
// It needs no encryption key and opens nothing.
import { Pool } from 'pg'
import { readStoreUse } from './move-store.ts'
import { openStores } from './store/open-stores.ts'
import type { StoreOptions } from './store/open-stores.ts'
import type { StoreCheck, StoreKind } from './store/store.ts'

export interface ExaminedStore extends StoreCheck {
  readonly store: StoreKind
  /** Connections whose credentials rest in another store than the one that is written to. */
  readonly elsewhere: number
  /** Of them those that this configuration cannot read. */
  readonly unreachable: number
  /** Secrets that are to be erased at a store, and are due. */
  readonly toErase: number
}

/** @throws RowhouseError invalid_option */
export async function examineStore(options: StoreOptions, controlUrl: string): Promise<ExaminedStore> {
  const stores = openStores(options, controlUrl)
  const pool = new Pool({ connectionString: controlUrl, max: 1 })
  pool.on('error', () => {})
  try {
    const check = await stores.writes.check(pool)
    const use = await readStoreUse(pool, stores.writes.kind)
    const others = use.filter(({ current }) => !current)
    const canRead = (store: StoreKind): boolean => store !== 'hashicorp_vault' || options.hashicorp != null
    const count = (rows: typeof use): number => rows.reduce((sum, { connections }) => sum + connections, 0)
    return {
      ...check,
      store: stores.writes.kind,
      elsewhere: count(others),
      unreachable: count(others.filter(({ store }) => !canRead(store))),
      toErase: use.reduce((sum, { toErase }) => sum + toErase, 0),
    }
  } finally {
    await stores.close()
    await pool.end()
  }
}
