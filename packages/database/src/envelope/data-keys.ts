// The data keys in the catalogue. Who seals holds the current key's row shared until the end of the transaction, so that a
// key is never retired or destroyed under somebody who is about to store what it sealed.
import { RowhouseError } from '@rowhouse/contracts'
import { randomUUID } from 'node:crypto'
import type { Pool, PoolClient } from 'pg'
import type { DataKey, MasterKeys } from './master-keys.ts'

export interface DataKeyRow {
  readonly id: string
  readonly organization_id: string | null
  readonly wrapped: string | null
  readonly wrapped_by: string | null
}

export const toDataKey = (row: DataKeyRow): DataKey => ({
  id: row.id,
  organizationId: row.organization_id,
  wrapped: row.wrapped,
  wrappedBy: row.wrapped_by,
})

/** A rotation can come between looking and locking, and once more. */
const TRIES_MAX = 5

/**
 * The key that an organization's values, or the product's, are sealed with now; made when there is none.
 *
 * @throws RowhouseError organization_key_destroyed
 */
export async function currentDataKey(
  client: PoolClient,
  masters: MasterKeys,
  organizationId: string | null,
): Promise<DataKey> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const { rows } = await client.query<DataKeyRow>(
      `select id, organization_id, wrapped, wrapped_by from rowhouse.data_keys
       where (organization_id = $1 or ($1::uuid is null and organization_id is null))
         and state in ('current', 'destroyed')
       for share`,
      [organizationId],
    )
    const [row] = rows
    if (row?.wrapped === null)
      throw new RowhouseError('organization_key_destroyed', undefined, { details: { organizationId } })
    if (row !== undefined) return toDataKey(row)
    await insertDataKey(client, masters.make(randomUUID(), organizationId))
  }
  throw new RowhouseError('data_key_busy', undefined, { details: { organizationId } })
}

/** Nothing happens where one is in use already. */
export async function insertDataKey(client: PoolClient, key: DataKey): Promise<void> {
  await client.query(
    `insert into rowhouse.data_keys (id, organization_id, wrapped, wrapped_by) values ($1, $2, $3, $4)
     on conflict (organization_id) where state in ('current', 'destroyed') do nothing`,
    [key.id, key.organizationId, key.wrapped, key.wrappedBy],
  )
}

export async function findDataKey(database: Pool | PoolClient, id: string): Promise<DataKey | null> {
  const { rows } = await database.query<DataKeyRow>(
    'select id, organization_id, wrapped, wrapped_by from rowhouse.data_keys where id = $1',
    [id],
  )
  return rows[0] === undefined ? null : toDataKey(rows[0])
}
