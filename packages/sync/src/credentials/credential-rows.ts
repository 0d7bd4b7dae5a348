// The catalogue's row of a connection's credentials: which store holds them, and under which key.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Pool, PoolClient } from 'pg'
import { databaseStore } from './store/database-store.ts'
import type { Stores } from './store/stores.ts'
import type { Held, Kept, SealedBundle, StoreKind } from './store/store.ts'

export interface CredentialRow {
  readonly connectionId: string
  readonly organizationId: string
  readonly connector: string
  /** Whether its tokens are refreshed where the connector knows, and not at an address that came with it. */
  readonly atProvider: boolean
  readonly store: StoreKind
  readonly place: string | null
  readonly sealed: unknown
  readonly keyId: string | null
  /** The version of the bundle that was committed last. */
  readonly version: number
}

export async function findCredentialRow(
  database: Pool | PoolClient,
  connectionId: string,
): Promise<CredentialRow | undefined> {
  const { rows } = await database.query<CredentialRow>(
    `select s.connection_id as "connectionId", s.organization_id as "organizationId", c.connector,
       c.token_url is null as "atProvider", s.store, s.place, s.sealed, s.key_id as "keyId", s.version::float8 as version
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

/**
 * What a store holds for a row.
 *
 * @throws RowhouseError as `CredentialStore.read`; credential_store_unavailable: it holds an older one than was committed.
 * With that one a refresh would present a refresh token that was used, which ends the grant.
 */
export async function readHeld(database: Pool | PoolClient, stores: Stores, row: CredentialRow): Promise<Held> {
  const held = await stores.of(row.store).read(database, row)
  if (held.bundle.version >= row.version) return held
  throw new RowhouseError(
    'credential_store_unavailable',
    `The store holds version ${held.bundle.version} of the credentials; version ${row.version} was committed.`,
    {
      details: { connectionId: row.connectionId, store: row.store },
      hint: 'A standby that is behind catches up by itself. If the store was restored from a backup, connect the account again.',
    },
  )
}

export interface KeepOptions {
  /**
   * Keeps the bundle in the row where the store cannot be written: for a grant that the provider gives once. It is sealed
   * there too, and goes to its store with the next write.
   *
   * @default false
   */
  readonly orInRow?: boolean
}

/** Writes a bundle to the store that is written to, wherever it rested. The row's lock must be held. */
export async function keepBundle(
  client: PoolClient,
  stores: Stores,
  of: { readonly connectionId: string; readonly organizationId: string; readonly keyId: string },
  bundle: SealedBundle,
  before: { readonly row: CredentialRow; readonly held: Held | null } | null,
  { orInRow = false }: KeepOptions = {},
): Promise<void> {
  const store = stores.writes
  const same = before !== null && before.row.store === store.kind ? before : null
  const resting = { ...of, place: same?.row.place ?? null }
  try {
    const kept = await store.write(client, resting, bundle, same?.held ?? null)
    await writeRow(client, of, store.kind, kept, bundle.version)
  } catch (error) {
    if (!orInRow || !isRowhouseError(error) || !isStoreAway(error)) throw error
    await writeRow(client, of, 'database', await databaseStore.write(client, resting, bundle, null), bundle.version)
  }
}

/** Whether a store could not be asked at all; what rests there is there. */
export const isStoreAway = ({ code }: RowhouseError): boolean =>
  code === 'credential_store_unavailable' || code === 'credential_store_sealed' || code === 'credential_store_refused'

async function writeRow(
  client: PoolClient,
  of: { readonly connectionId: string; readonly organizationId: string; readonly keyId: string },
  store: StoreKind,
  { place, sealed }: Kept,
  version: number,
): Promise<void> {
  await client.query(
    `insert into rowhouse.sync_credentials (connection_id, organization_id, store, place, sealed, key_id, version)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (connection_id) do update set store = excluded.store, place = excluded.place, sealed = excluded.sealed,
       key_id = excluded.key_id, version = excluded.version, updated_at = now()`,
    [of.connectionId, of.organizationId, store, place, sealed && JSON.stringify(sealed), of.keyId, version],
  )
}
