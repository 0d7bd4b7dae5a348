// When somebody waits for a lock: what a test of a race has to see before it makes its next move. Only of the one database:
// others on the server wait for locks of their own.
import { vi } from 'vitest'

import { withClient } from './test-database.ts'
import type { TestDatabase } from './test-database.ts'

/**
 * Until a backend of the database waits for a lock.
 *
 * @param locktype as pg_locks names it: `advisory`, `relation`, `transactionid` …
 */
export async function untilWaiting({ adminUrl }: Pick<TestDatabase, 'adminUrl'>, locktype: string): Promise<void> {
  await withClient(adminUrl, (admin) =>
    vi.waitUntil(
      async () => {
        const { rowCount } = await admin.query(
          `select from pg_locks l join pg_stat_activity a using (pid)
           where l.locktype = $1 and not l.granted and a.datname = current_database()`,
          [locktype],
        )
        return rowCount !== 0
      },
      { timeout: 60_000, interval: 5 },
    ),
  )
}
