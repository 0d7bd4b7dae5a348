// Removes a connection. Its row goes first, and with it its units, grants and credentials: from that moment nobody can act
// as it. A line in the catalogue stands until the organization's home has forgotten it too, so that whoever dies in between
// leaves nothing behind.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'
import type { Pool } from 'pg'
import type { Rowhouse } from 'rowhouse'

/** Fences first: whoever still writes holds one until it is done, and nobody writes without. */
const tables = [
  'sync_fences',
  'sync_dead_letters',
  'sync_conflicts',
  'sync_deliveries',
  'sync_cursors',
  'sync_links',
] as const
/** Short statements: nobody of the organization waits for a million links. */
const ROWS_AT_ONCE_MAX = 5000
const AT_ONCE_MAX = 20
const OPERATOR = { operator: 'rowhouse', reason: 'a connection was removed' } as const

/** @throws RowhouseError connection_not_found, also for a connection of another organization */
export async function removeRow(pool: Pool, organizationId: string, connectionId: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `delete from rowhouse.connections c where c.id = $1 and c.organization_id = $2 and c.connector <> ''`,
      [connectionId, organizationId],
    )
    if (rowCount === 0) throw new RowhouseError('connection_not_found', `There is no connection ${connectionId}.`)
    await client.query('insert into rowhouse.sync_removals (connection_id, organization_id) values ($1, $2)', [
      connectionId,
      organizationId,
    ])
  })
}

/** Lets homes forget connections that were removed. What cannot be reached now is tried again. */
export async function finishRemovals(pool: Pool, rowhouse: Rowhouse): Promise<void> {
  const { rows } = await pool.query<{ connectionId: string; organizationId: string }>(
    `select r.connection_id as "connectionId", r.organization_id as "organizationId" from rowhouse.sync_removals r
     order by r.removed_at limit $1`,
    [AT_ONCE_MAX],
  )
  for (const { connectionId, organizationId } of rows) {
    try {
      const organization = rowhouse.as({ organizationId, ...OPERATOR })
      for (const table of tables) {
        for (let left = true; left;) {
          const { rowCount } = await organization.query(
            `delete from rowhouse_home.${table} where ctid = any (array(
               select ctid from rowhouse_home.${table} where connection_id = $1 limit ${ROWS_AT_ONCE_MAX}))`,
            [connectionId],
          )
          left = rowCount === ROWS_AT_ONCE_MAX
        }
      }
      await pool.query('delete from rowhouse.sync_removals where connection_id = $1', [connectionId])
    } catch (error) {
      if (!isRowhouseError(error)) throw error
    }
  }
}
