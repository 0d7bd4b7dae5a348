// Moves credentials between stores. Each connection is a transaction: read where it rests, write where it is to rest, name
// it in the row. The old place is erased because the row no longer names it; a process that dies in between leaves the row
// as it was, and a copy that the leftovers erase.
import { isRowhouseError } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'
import type { Pool } from 'pg'
import { eraseLeftovers } from './store/leftovers.ts'
import type { Stores } from './store/stores.ts'
import type { StoreKind } from './store/store.ts'
import type { Vault } from './vault.ts'

export interface MovedStore {
  readonly to: StoreKind
  readonly moved: number
  /** Connections whose credentials could not be read. They rest where they rested. */
  readonly unreadable: readonly string[]
  /** Secrets at other stores that are still to be erased; a worker, or the next run, does it. */
  readonly toErase: number
}

export interface StoreUse {
  readonly store: StoreKind
  readonly connections: number
  /** Whether credentials are written here now. */
  readonly current: boolean
  /** Secrets there that no connection names any more, to be erased. */
  readonly toErase: number
}

const ROUNDS_MAX = 1000

export async function moveAll(pool: Pool, vault: Vault, stores: Stores): Promise<MovedStore> {
  const to = stores.writes.kind
  const unreadable: string[] = []
  let moved = 0
  const { rows } = await pool.query<{ id: string }>(
    'select connection_id as id from rowhouse.sync_credentials where store <> $1 order by connection_id',
    [to],
  )
  for (const { id } of rows) {
    try {
      await inTransaction(pool, (client) => vault.reseal(client, id))
      moved += 1
    } catch (error) {
      if (!isRowhouseError(error) || error.code !== 'credentials_unreadable') throw error
      unreadable.push(id)
    }
  }
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const { erased, waiting } = await eraseLeftovers(pool, stores)
    if (erased === 0 || waiting > 0) break
  }
  const use = await readStoreUse(pool, to)
  return { to, moved, unreadable, toErase: use.reduce((sum, { toErase }) => sum + toErase, 0) }
}

export async function readStoreUse(pool: Pool, writes: StoreKind): Promise<StoreUse[]> {
  const { rows } = await pool.query<{ store: StoreKind; connections: number; toErase: number }>(
    `select store, (sum(connections))::int as connections, (sum(to_erase))::int as "toErase"
     from (
       select store, 1 as connections, 0 as to_erase from rowhouse.sync_credentials
       union all select store, 0, 1 from rowhouse.sync_store_leftovers
       union all select $1, 0, 0
     ) s
     group by store order by store`,
    [writes],
  )
  return rows.map((row) => ({ ...row, current: row.store === writes }))
}
