// The id and the keys of one database. A database under another name or in another cluster than the row says is a
// clone or a restore: it gets an id, a seal key, token keys and keys of locks of its own, and its source's tokens stop working.
import { randomBytes, randomUUID } from 'node:crypto'
import type { ClientBase } from 'pg'

import { deriveTokenKey, hmacPads, tokenKeyId } from '../keys.ts'

const SEAL_KEY_BYTES = 32

export interface IdentityOptions {
  readonly signingKey: string
  /** Stop accepting tokens of other signing keys. */
  readonly dropOtherKeys: boolean
}

/** Runs inside the install transaction, as an admin who can read the schema's tables. Returns the database's id. */
export async function ensureIdentity(client: ClientBase, options: IdentityOptions): Promise<string> {
  const { rows } = await client.query<{ id: string | null; cluster: string }>(
    `select c.system_identifier::text as cluster, d.id
     from pg_catalog.pg_control_system() c
     left join rowhouse.database d on d.name = current_database() and d.system_identifier = c.system_identifier::text`,
  )
  const { id, cluster } = rows[0] as { id: string | null; cluster: string }
  const databaseId = id ?? (await renewIdentity(client, cluster))
  const tokenKey = deriveTokenKey(options.signingKey, databaseId)
  const { inner, outer } = hmacPads(tokenKey)
  await client.query(
    'insert into rowhouse.keys (id, inner_pad, outer_pad) values ($1, $2, $3) on conflict (id) do nothing',
    [tokenKeyId(tokenKey), inner, outer],
  )
  if (options.dropOtherKeys) await client.query('delete from rowhouse.keys where id <> $1', [tokenKeyId(tokenKey)])
  return databaseId
}

async function renewIdentity(client: ClientBase, cluster: string): Promise<string> {
  const id = randomUUID()
  const { inner, outer } = hmacPads(randomBytes(SEAL_KEY_BYTES))
  await client.query('delete from rowhouse.keys')
  await client.query('delete from rowhouse.database')
  await client.query(
    `insert into rowhouse.database (id, name, system_identifier, seal_inner_pad, seal_outer_pad)
     values ($1, current_database(), $2, $3, $4)`,
    [id, cluster, inner, outer],
  )
  // Nobody is in: tokens of the identity before were refused already.
  await client.query('delete from rowhouse.lock_seed')
  await client.query('insert into rowhouse.lock_seed default values')
  return id
}
