// How many homes share a transaction. Each holds its locks until the commit, so a transaction is bounded by time, for the
// sake of those who wait, and by the lock table, which all sessions of the server share (max_locks_per_transaction).
import type { ClientBase } from 'pg'

export interface PaceOptions {
  /** Longest that a transaction of several homes shall last. */
  readonly transactionMs: number
  readonly homesMax: number
  /** Locks that one transaction may hold. */
  readonly locksMax: number
}

/** Of the lock table, for all lanes together: the rest is for who uses the database. */
const SHARE_OF_LOCK_TABLE = 0.25
/** What the time and the locks allow is reckoned from the transaction before, so the first ones need not be many. */
const GROWTH = 4

export interface Pace {
  /** Homes of the next transaction. */
  size(): number
  /** A transaction of several homes went through. */
  went(homes: number, tookMs: number): void
  /** One was refused: slower, from one on. */
  refused(): void
  /** Whether the locks of a transaction of so many homes say more than what is known. */
  isWorthCounting(homes: number): boolean
  /** Locks that a transaction of so many homes held at its end. */
  counted(homes: number, locks: number): void
}

export function makePace({ transactionMs, homesMax, locksMax }: PaceOptions): Pace {
  let size = 1
  let largest = 0
  let locksPerHome: number | null = null
  return {
    size() {
      const byLocks = locksPerHome === null ? 1 : Math.max(1, Math.floor(locksMax / locksPerHome))
      return Math.min(size, byLocks, homesMax)
    },
    went(homes, tookMs) {
      const fits = Math.max(1, Math.floor((transactionMs * homes) / Math.max(1, tookMs)))
      size = Math.min(fits, Math.max(size, homes) * GROWTH, homesMax)
    },
    refused() {
      size = 1
    },
    isWorthCounting: (homes) => homes > largest,
    // Those of the transaction itself, some forty on the catalogue, are spread over its homes: counted of one home alone they
    // would keep a transaction a third as large as the lock table allows. What is reckoned for more homes is too much, never
    // too little.
    counted(homes, locks) {
      largest = homes
      locksPerHome = Math.max(1, locks / homes)
    },
  }
}

/** Locks that one of so many lanes may hold at once. */
export async function readLocksMax(client: ClientBase, lanes: number): Promise<number> {
  const { rows } = await client.query<{ locks: number }>(
    `select current_setting('max_locks_per_transaction')::int
       * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as locks`,
  )
  return Math.max(1, Math.floor(((rows[0]?.locks ?? 0) * SHARE_OF_LOCK_TABLE) / lanes))
}

export async function readLocksHeld(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ locks: number }>(
    'select count(*)::int as locks from pg_locks where pid = pg_backend_pid()',
  )
  return rows[0]?.locks ?? 0
}
