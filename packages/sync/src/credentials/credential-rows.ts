// The catalogue's row of a connection's credentials: which store holds them, and under which key.
import { RowhouseError } from '@rowhouse/contracts'
import type { Pool, PoolClient } from 'pg'
import type { Stores } from './store/stores.ts'
import type { Held, SealedBundle, StoreKind } from './store/store.ts'

export interface CredentialRow {
  readonly connectionId: string
  readonly organizationId: string
  readonly connector: string
  readonly store: StoreKind
  readonly place: string | null
  readonly sealed: unknown
  readonly keyId: string | null
}

export async function findCredentialRow(
  database: Pool | PoolClient,
  connectionId: string,
): Promise<CredentialRow | undefined> {
  const { rows } = await database.query<CredentialRow>(
    `select s.connection_id as "connectionId", s.organization_id as "organizationId", c.connector, s.store, s.place,
       s.sealed, s.key_id as "keyId"
     from rowhouse.sync_credentials s join rowhouse.connections c on c.id = s.connection_id
     where s.connection_id = $1`,
    [connectionId],
  )
  return rows[0]
}

/** @throws RowhouseError connection_not_found */
export async function readCredentialRow(database: Pool | PoolClient, connectionId: string): Promise<CredentialRow> {
  const row = await findCredentialRow(database, connectionId)
  if (row === undefined) throw new RowhouseError('connection_not_found')
  return row
}

/**
 * Waits for whoever refreshes or reseals the connection. The row is read by a statement of its own afterwards: one that
 * waited sees the row anew, but what it joins as of its beginning.
 */
export async function lockCredentialRow(client: PoolClient, connectionId: string): Promise<void> {
  await client.query('select from rowhouse.sync_credentials where connection_id = $1 for update', [connectionId])
}

/** Writes a bundle to the store that is written to, wherever it rested. The row's lock must be held. */
export async function keepBundle(
  client: PoolClient,
  stores: Stores,
  of: { readonly connectionId: string; readonly organizationId: string; readonly keyId: string },
  bundle: SealedBundle,
  before: { readonly row: CredentialRow; readonly held: Held | null } | null,
): Promise<void> {
  const store = stores.writes
  const same = before !== null && before.row.store === store.kind ? before : null
  const resting = { connectionId: of.connectionId, place: same?.row.place ?? null }
  const kept = await store.write(client, resting, bundle, same?.held ?? null)
  await client.query(
    `insert into rowhouse.sync_credentials (connection_id, organization_id, store, place, sealed, key_id)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (connection_id) do update set store = excluded.store, place = excluded.place, sealed = excluded.sealed,
       key_id = excluded.key_id, updated_at = now()`,
    [of.connectionId, of.organizationId, store.kind, kept.place, kept.sealed && JSON.stringify(kept.sealed), of.keyId],
  )
}
