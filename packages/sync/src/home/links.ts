// Links, as rows of the organization's home. Reads lock; writes are a page at a time.
import type { FieldValues } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import type { Link, LinkState } from '../plan/link.ts'

export interface StoredLink extends Link {
  /** Null until it is stored. */
  readonly id: string | null
}

interface LinkRow {
  readonly id: string
  readonly local_id: string | null
  readonly remote_id: string | null
  readonly state: LinkState
  readonly create_token: string | null
  readonly base: FieldValues
  readonly seen: string | null
  readonly written: string | null
}

const toLink = (row: LinkRow): StoredLink => ({
  id: row.id,
  localId: row.local_id,
  remoteId: row.remote_id,
  state: row.state,
  createToken: row.create_token,
  base: row.base,
  seen: row.seen,
  written: row.written,
})

/** One object of one connection. */
export interface LinkScope {
  readonly connectionId: string
  readonly object: string
  /** A base of another mapping version is no base. */
  readonly mappingVersion: number
}

export interface LinkKeys {
  readonly localIds?: readonly string[]
  readonly remoteIds?: readonly string[]
  readonly createTokens?: readonly string[]
}

/** The links of these rows, records and create tokens, locked until the transaction ends. */
export async function lockLinks(tx: Transaction, scope: LinkScope, keys: LinkKeys): Promise<StoredLink[]> {
  const { localIds = [], remoteIds = [], createTokens = [] } = keys
  if (localIds.length + remoteIds.length + createTokens.length === 0) return []
  const { rows } = await tx.query<LinkRow>(
    `select l.id::text, l.local_id, l.remote_id, l.state, l.create_token, l.seen, l.written,
       case when l.mapping_version = $3 then l.base else '{}' end as base
     from rowhouse_home.sync_links l
     where l.connection_id = $1 and l.object = $2
       and (l.local_id = any ($4) or l.remote_id = any ($5) or l.create_token = any ($6))
     order by l.id
     for update`,
    [scope.connectionId, scope.object, scope.mappingVersion, localIds, remoteIds, createTokens],
  )
  return rows.map(toLink)
}

/** Which of these records are linked now. */
export async function findLinked(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  object: string,
  remoteIds: readonly string[],
): Promise<Set<string>> {
  if (remoteIds.length === 0) return new Set()
  const { rows } = await tx.query<{ remote_id: string }>(
    `select l.remote_id from rowhouse_home.sync_links l
     where l.connection_id = $1 and l.object = $2 and l.state = 'linked' and l.remote_id = any ($3)`,
    [connectionId, object, remoteIds],
  )
  return new Set(rows.map((row) => row.remote_id))
}

/** Stores new and changed links. */
export async function saveLinks(tx: Transaction, scope: LinkScope, links: readonly StoredLink[]): Promise<void> {
  const fresh = links.filter(({ id }) => id === null)
  const known = links.filter(({ id }) => id !== null)
  const saved: Promise<unknown>[] = []
  if (known.length > 0)
    saved.push(
      tx.query(
        `update rowhouse_home.sync_links l
       set local_id = p."localId", remote_id = p."remoteId", state = p.state, create_token = p."createToken",
         base = p.base, seen = p.seen, written = p.written, mapping_version = $2, updated_at = now()
       from jsonb_to_recordset($1::jsonb) as p(
         id bigint, "localId" text, "remoteId" text, state text, "createToken" text, base jsonb, seen text, written text
       )
       where l.id = p.id`,
        [JSON.stringify(known), scope.mappingVersion],
      ),
    )
  if (fresh.length > 0)
    saved.push(
      tx.query(
        `insert into rowhouse_home.sync_links (
         connection_id, object, mapping_version, local_id, remote_id, state, create_token, base, seen, written
       )
       select $2, $3, $4, p."localId", p."remoteId", p.state, p."createToken", p.base, p.seen, p.written
       from jsonb_to_recordset($1::jsonb) as p(
         "localId" text, "remoteId" text, state text, "createToken" text, base jsonb, seen text, written text
       )`,
        [JSON.stringify(fresh), scope.connectionId, scope.object, scope.mappingVersion],
      ),
    )
  await Promise.all(saved)
}

/** Takes a row out of the links that lost it, so that it can be paired anew. */
export async function forgetLinks(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.query(`delete from rowhouse_home.sync_links l where l.id = any ($1::bigint[])`, [ids])
}

export interface Parents {
  /** 'object:remote id' → id here. */
  readonly local: ReadonlyMap<string, string>
  /** 'object:local id' → id there. */
  readonly remote: ReadonlyMap<string, string>
}

export interface ParentKey {
  readonly object: string
  readonly localId: string | null
  readonly remoteId: string | null
}

export const parentKey = (object: string, id: string): string => `${object}:${id}`

/** The other sides of these parents, where they are linked. */
export async function readParents(tx: Transaction, connectionId: string, keys: readonly ParentKey[]): Promise<Parents> {
  if (keys.length === 0) return { local: new Map(), remote: new Map() }
  const { rows } = await tx.query<{ object: string; local_id: string; remote_id: string }>(
    `select l.object, l.local_id, l.remote_id from rowhouse_home.sync_links l
     where l.connection_id = $1 and l.state = 'linked' and l.object = any ($2)
       and (l.local_id = any ($3) or l.remote_id = any ($4))`,
    [
      connectionId,
      [...new Set(keys.map(({ object }) => object))],
      keys.flatMap(({ localId }) => (localId === null ? [] : [localId])),
      keys.flatMap(({ remoteId }) => (remoteId === null ? [] : [remoteId])),
    ],
  )
  return {
    local: new Map(rows.map((row) => [parentKey(row.object, row.remote_id), row.local_id])),
    remote: new Map(rows.map((row) => [parentKey(row.object, row.local_id), row.remote_id])),
  }
}
