// Erases at other stores what no row names any more: of connections that were removed, of moves, and of processes that died
// between making a secret and committing the row. Any number of workers do it; a vault that is away is tried again later.
import { isRowhouseError } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'
import type { Pool } from 'pg'
import type { Stores } from './stores.ts'
import type { StoreKind } from './store.ts'

interface Leftover {
  readonly store: StoreKind
  readonly place: string
  readonly connectionId: string
}

export interface Erased {
  readonly erased: number
  /** What could not be erased now; it is tried again. */
  readonly waiting: number
}

const AT_ONCE_MAX = 100
/** Doubles with each failure, up to an hour. */
const AGAIN = `least(interval '1 hour', interval '5 seconds' * (2 ^ least(attempts, 20)))`

/** Erases what is due, up to a bound. */
export async function eraseLeftovers(pool: Pool, stores: Stores): Promise<Erased> {
  const { rows } = await pool.query<Leftover>(
    `select l.store, l.place, l.connection_id as "connectionId" from rowhouse.sync_store_leftovers l
     where l.due_at <= now() order by l.due_at limit $1`,
    [AT_ONCE_MAX],
  )
  let erased = 0
  let waiting = 0
  for (const leftover of rows) {
    if (await eraseOne(pool, stores, leftover)) erased += 1
    else waiting += 1
  }
  return { erased, waiting }
}

async function eraseOne(pool: Pool, stores: Stores, { store, place, connectionId }: Leftover): Promise<boolean> {
  try {
    return await inTransaction(pool, async (client) => {
      // The row first, as whoever writes a bundle does: one that is being written there is waited for, and then named.
      const { rows } = await client.query<{ store: StoreKind; place: string | null }>(
        'select store, place from rowhouse.sync_credentials where connection_id = $1 for update',
        [connectionId],
      )
      const { rowCount } = await client.query(
        'select from rowhouse.sync_store_leftovers where store = $1 and place = $2 and due_at <= now() for update',
        [store, place],
      )
      if (rowCount === 0) return true
      const [row] = rows
      const isNamed = row !== undefined && row.store === store && row.place === place
      if (!isNamed) await stores.of(store).erase(client, { connectionId, place })
      await client.query('delete from rowhouse.sync_store_leftovers where store = $1 and place = $2', [store, place])
      return true
    })
  } catch (error) {
    if (!isRowhouseError(error)) throw error
    await pool.query(
      `update rowhouse.sync_store_leftovers set due_at = now() + ${AGAIN}, attempts = attempts + 1
       where store = $1 and place = $2`,
      [store, place],
    )
    return false
  }
}
