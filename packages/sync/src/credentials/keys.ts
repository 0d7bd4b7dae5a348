// What people do with keys: look at them, change the encryption key, rotate a data key, destroy an organization's. Each
// step is a transaction that leaves every value sealed with exactly one key that is listed, so a process that dies between
// two of them has lost nothing, and the next run goes on.
import { RowhouseError } from '@rowhouse/contracts'
import { randomUUID } from 'node:crypto'
import { Envelope, clusterPlace, inTransaction, insertDataKey, toDataKey } from '@rowhouse/database'
import type { DataKeyRow } from '@rowhouse/database'
import { Pool } from 'pg'
import type { PoolClient } from 'pg'
import { appPlace } from '../authorize/apps.ts'
import { verifierPlace } from '../authorize/requests.ts'
import { moveAll, readStoreUse } from './move-store.ts'
import type { MovedStore, StoreUse } from './move-store.ts'
import { openStores } from './store/open-stores.ts'
import type { StoreOptions } from './store/open-stores.ts'
import { Vault } from './vault.ts'

export interface KeysOptions {
  /** URL of the login rowhouse_control. */
  readonly controlUrl: string
  readonly encryptionKey: string
  readonly previousEncryptionKey?: string | null | undefined
  /** Where credentials rest. @default in the database */
  readonly credentialStore?: StoreOptions | undefined
}

export interface ListedKey {
  readonly id: string
  /** Null for the product's own. */
  readonly organizationId: string | null
  readonly organization: string | null
  readonly state: 'current' | 'retiring' | 'destroyed'
  readonly wrappedBy: string | null
  /** Whether the encryption keys that are set can unwrap it. */
  readonly usable: boolean
  /** How many connections, apps and consents under way are sealed with it. */
  readonly values: number
  readonly createdAt: string
}

export interface ListedKeys {
  /** The id of ROWHOUSE_ENCRYPTION_KEY, and of the previous one where it is set. */
  readonly encryptionKeys: readonly { readonly id: string; readonly current: boolean }[]
  readonly dataKeys: readonly ListedKey[]
  /** Where connections' credentials rest. */
  readonly stores: readonly StoreUse[]
}

export interface Rewrapped {
  readonly rewrapped: number
  /** Data keys that neither of the keys that are set unwraps. */
  readonly unknown: readonly string[]
}

export interface Rotated {
  readonly organizationId: string | null
  readonly keyId: string
  readonly resealed: number
  /** What could not be read: connections, apps or consents, by id. Their key stays listed. */
  readonly unreadable: readonly string[]
}

export interface Keys {
  list(): Promise<ListedKeys>
  /** Wraps every data key with the current encryption key; what is sealed stays as it is. */
  rewrap(): Promise<Rewrapped>
  /**
   * Gives an organization, or with null the product, a new data key and seals its values with it. Goes on with a rotation
   * that was cut off; workers go on meanwhile.
   *
   * @throws RowhouseError organization_key_destroyed, data_key_unknown
   */
  rotate(organizationId: string | null): Promise<Rotated>
  /**
   * Moves all credentials into the store that is written to now, one transaction a connection. Goes on with a move that
   * was cut off; workers go on meanwhile.
   *
   * @throws RowhouseError what a store throws that is away; what was moved stays moved
   */
  moveStore(): Promise<MovedStore>
  /** Ends an organization's credentials for good. Returns how many keys were destroyed. */
  destroy(organizationId: string): Promise<number>
  close(): Promise<void>
}

interface Kind {
  readonly table: string
  readonly id: string
  /** Whose rows: with null the product's. */
  readonly owned: 'organization' | 'product'
  readonly holds: string
  readonly reseal: (pool: Pool, envelope: Envelope, vault: Vault, id: string) => Promise<void>
}

const kinds: readonly Kind[] = [
  {
    table: 'sync_credentials',
    id: 'connection_id',
    owned: 'organization',
    holds: 'true',
    reseal: (pool, _envelope, vault, id) => inTransaction(pool, (client) => vault.reseal(client, id)),
  },
  {
    table: 'sync_authorizations',
    id: 'id',
    owned: 'organization',
    holds: 'code_verifier is not null',
    reseal: (pool, envelope, _vault, id) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ id: string; organization_id: string; code_verifier: string }>(
          'select id, organization_id, code_verifier from rowhouse.sync_authorizations where id = $1 for update',
          [id],
        )
        const [row] = rows
        if (row === undefined) return
        const place = verifierPlace(row)
        const value = await envelope.open(client, place, row.code_verifier)
        const sealer = await envelope.sealer(client, row.organization_id, id)
        await client.query('update rowhouse.sync_authorizations set code_verifier = $2, key_id = $3 where id = $1', [
          id,
          sealer.seal(place.field, value),
          sealer.keyId,
        ])
      }),
  },
  {
    table: 'sync_apps',
    id: 'connector',
    owned: 'product',
    holds: 'true',
    reseal: (pool, envelope, _vault, connector) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ client_secret: string }>(
          'select client_secret from rowhouse.sync_apps where connector = $1 for update',
          [connector],
        )
        const [row] = rows
        if (row === undefined) return
        const place = appPlace(connector)
        const value = await envelope.open(client, place, row.client_secret)
        const sealer = await envelope.sealer(client, null, connector)
        await client.query('update rowhouse.sync_apps set client_secret = $2, key_id = $3 where connector = $1', [
          connector,
          sealer.seal(place.field, value),
          sealer.keyId,
        ])
      }),
  },
  {
    table: 'clusters',
    id: 'id',
    owned: 'product',
    holds: 'admin_sealed is not null',
    reseal: (pool, envelope, _vault, id) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ admin_sealed: string | null }>(
          'select admin_sealed from rowhouse.clusters where id = $1 for update',
          [id],
        )
        const sealed = rows[0]?.admin_sealed ?? null
        if (sealed === null) return
        const { connectionId, field } = clusterPlace(id)
        const value = await envelope.open(client, clusterPlace(id), sealed)
        const sealer = await envelope.sealer(client, null, connectionId)
        await client.query('update rowhouse.clusters set admin_sealed = $2, key_id = $3 where id = $1', [
          id,
          sealer.seal(field, value),
          sealer.keyId,
        ])
      }),
  },
]

const OF_OWNER = '(organization_id = $1 or ($1::uuid is null and organization_id is null))'
const POOL_MAX = 2

/**
 * Opens the keys of a database.
 *
 * @throws RowhouseError encryption_key_too_short, invalid_option
 * @example
 * const keys = openKeys({ controlUrl, encryptionKey, previousEncryptionKey })
 * await keys.rewrap() // update rowhouse.data_keys set wrapped = …, one transaction a key
 */
export function openKeys(options: KeysOptions): Keys {
  const envelope = new Envelope(options)
  const { masters } = envelope
  const pool = new Pool({ connectionString: options.controlUrl, max: POOL_MAX })
  pool.on('error', () => {})
  const stores = openStores(options.credentialStore ?? {}, options.controlUrl)
  const vault = new Vault({ pool, envelope, stores, findApp: () => Promise.resolve(null) })
  return {
    async list() {
      const { rows } = await pool.query<ListedRow>(LIST)
      return {
        encryptionKeys: masters.ids.map((id) => ({ id, current: id === masters.currentId })),
        dataKeys: rows.map(({ at, values, ...row }) => ({
          ...row,
          values: Number(values),
          usable: row.wrappedBy !== null && masters.ids.includes(row.wrappedBy),
          createdAt: at.toISOString(),
        })),
        stores: await readStoreUse(pool, stores.writes.kind),
      }
    },
    rewrap: () => rewrapAll(pool, envelope),
    rotate: async (organizationId) => {
      const { retiring, current } = await begin(pool, envelope, organizationId)
      const { resealed, unreadable } = await resealAll(pool, envelope, vault, organizationId, current)
      await pool.query(DELETE_RETIRED, [retiring])
      return { organizationId, keyId: current, resealed, unreadable }
    },
    moveStore: () => moveAll(pool, vault, stores),
    async destroy(organizationId) {
      const { rows } = await pool.query<{ destroyed: number }>('select rowhouse.destroy_data_keys($1) as destroyed', [
        organizationId,
      ])
      return (rows[0] as { destroyed: number }).destroyed
    },
    async close() {
      await stores.close()
      await pool.end()
      envelope.close()
    },
  }
}

type ListedRow = Omit<ListedKey, 'createdAt' | 'usable' | 'values'> & { readonly at: Date; readonly values: string }

const LIST = `select k.id, k.organization_id as "organizationId", o.slug as organization,
    case when k.wrapped is null then 'destroyed' else k.state end as state, k.wrapped_by as "wrappedBy",
    k.created_at as at,
    ${kinds.map(({ table }) => `(select count(*) from rowhouse.${table} t where t.key_id = k.id)`).join(' + ')} as values
  from rowhouse.data_keys k left join rowhouse.organizations o on o.id = k.organization_id
  order by o.slug nulls first, k.created_at, k.id`

/** Nothing names it and nobody can be about to: who seals holds the current one. */
const DELETE_RETIRED = `delete from rowhouse.data_keys k where k.id = $1 and k.state = 'retiring'
    ${kinds.map(({ table }) => `and not exists (select from rowhouse.${table} t where t.key_id = k.id)`).join(' ')}`

async function rewrapAll(pool: Pool, envelope: Envelope): Promise<Rewrapped> {
  const { masters } = envelope
  const unknown: string[] = []
  let rewrapped = 0
  const { rows } = await pool.query<{ id: string }>(
    'select id from rowhouse.data_keys where wrapped_by <> $1 order by id',
    [masters.currentId],
  )
  for (const { id } of rows) {
    const known = await inTransaction(pool, async (client) => {
      const { rows: found } = await client.query<DataKeyRow>(
        'select id, organization_id, wrapped, wrapped_by from rowhouse.data_keys where id = $1 for no key update',
        [id],
      )
      const [row] = found
      if (row === undefined || row.wrapped === null || row.wrapped_by === masters.currentId) return null
      if (!masters.ids.includes(row.wrapped_by ?? '')) return false
      const key = masters.unwrap(toDataKey(row))
      const wrapped = masters.wrap(toDataKey(row), key)
      key.fill(0)
      await client.query(
        'update rowhouse.data_keys set wrapped = $2, wrapped_by = $3, wrapped_at = now() where id = $1',
        [id, wrapped.wrapped, wrapped.wrappedBy],
      )
      return true
    })
    if (known === false) unknown.push(id)
    if (known === true) rewrapped += 1
  }
  return { rewrapped, unknown }
}

/** Others may rotate the same key at this moment; who waited for them looks again. */
const TRIES_MAX = 5

/** A rotation under way is gone on with: two keys at most are listed for an organization. */
async function begin(
  pool: Pool,
  envelope: Envelope,
  organizationId: string | null,
): Promise<{ readonly retiring: string; readonly current: string }> {
  await inTransaction(pool, (client) => envelope.sealer(client, organizationId, ''))
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const keys = await inTransaction(pool, (client) => beginLocked(client, envelope, organizationId))
    if (keys !== null) return keys
  }
  throw new RowhouseError('data_key_busy', undefined, { details: { organizationId } })
}

async function beginLocked(
  client: PoolClient,
  { masters }: Envelope,
  organizationId: string | null,
): Promise<{ readonly retiring: string; readonly current: string } | null> {
  const { rows } = await client.query<DataKeyRow & { state: 'current' | 'retiring' }>(
    `select id, organization_id, wrapped, wrapped_by, state from rowhouse.data_keys where ${OF_OWNER} for update`,
    [organizationId],
  )
  const current = rows.find(({ state }) => state === 'current')
  const retiring = rows.find(({ state }) => state === 'retiring')
  if (current === undefined) return null
  if (retiring !== undefined) return { retiring: retiring.id, current: current.id }
  // Found out now rather than with the first value: nothing sealed with a key that is not here could be opened.
  if (!masters.ids.includes(current.wrapped_by ?? ''))
    throw new RowhouseError('data_key_unknown', undefined, {
      details: { keyId: current.id, wrappedBy: current.wrapped_by },
    })
  await client.query("update rowhouse.data_keys set state = 'retiring' where id = $1", [current.id])
  const made = masters.make(randomUUID(), organizationId)
  await insertDataKey(client, made)
  return { retiring: current.id, current: made.id }
}

async function resealAll(
  pool: Pool,
  envelope: Envelope,
  vault: Vault,
  organizationId: string | null,
  current: string,
): Promise<Pick<Rotated, 'resealed' | 'unreadable'>> {
  let resealed = 0
  const unreadable: string[] = []
  for (const { table, id, owned, holds, reseal } of kinds) {
    if ((owned === 'product') !== (organizationId === null)) continue
    const { rows } = await pool.query<{ id: string }>(
      `select ${id}::text as id from rowhouse.${table}
       where key_id is distinct from $1 and ${holds} ${owned === 'organization' ? 'and organization_id = $2' : ''}
       order by 1`,
      owned === 'organization' ? [current, organizationId] : [current],
    )
    for (const row of rows) {
      try {
        await reseal(pool, envelope, vault, row.id)
        resealed += 1
      } catch (error) {
        if (!(error instanceof RowhouseError) || error.code !== 'credentials_unreadable') throw error
        unreadable.push(row.id)
      }
    }
  }
  return { resealed, unreadable }
}
