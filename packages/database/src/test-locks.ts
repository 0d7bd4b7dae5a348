// Which locks are held, for tests: a tenant may not look.
import { withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'

/** The modes of the advisory locks that the session holds. */
export async function advisoryLocksOf(adminUrl: string, session: Client): Promise<string[]> {
  const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
  return withClient(adminUrl, async (admin) => {
    const locks = await admin.query<{ mode: string }>(
      `select mode from pg_locks where locktype = 'advisory' and pid = $1`,
      [rows[0]?.pid],
    )
    return locks.rows.map(({ mode }) => mode)
  })
}

/** How many sessions of the database wait for an advisory lock. */
export const waitingForLocks = (adminUrl: string): Promise<number> =>
  withClient(adminUrl, async (admin) => {
    const { rowCount } = await admin.query(
      `select from pg_locks l join pg_database d on d.oid = l.database
       where l.locktype = 'advisory' and not l.granted and d.datname = current_database()`,
    )
    return rowCount ?? 0
  })
