// Reads a whole schema from the catalogue, in one read-only snapshot, with Postgres' own deparsers. It names no user
// table in a FROM, so it needs no privilege on any and runs no code of the database.
import type { ClientBase } from 'pg'

import {
  databaseSql,
  dependenciesSql,
  eventTriggersSql,
  foreignSql,
  functionsSql,
  grantsSql,
  hangingsSql,
  ownersSql,
  rolesSql,
  schemasSql,
  switchesSql,
  tablesSql,
  typesSql,
} from '../generated/catalogue.ts'

/** One thing to make, under the id it has in the source. */
export interface Part {
  /** `pg_class:16401`. */
  readonly id: string
  readonly kind: string
  readonly name: string
  /** Which of two that do not need each other comes first. */
  readonly rank: number
  readonly sql: string | null
  /** Makes enough of it to break a cycle; `sql` then replaces it. */
  readonly stub: string | null
  /** Other ids that mean the same thing: a table's row type, a constraint's index. */
  readonly aliases: readonly string[]
  readonly language: string | null
  readonly trusted: boolean | null
  readonly source: string | null
}

/** What is done once everything is there; the order does not matter beyond the list's own. */
export interface Step {
  readonly kind: string
  readonly name: string
  readonly sql: string
  readonly source?: string | null
}

export interface RoleOfSource {
  readonly name: string
  readonly superuser: boolean
  readonly inherit: boolean
  readonly createrole: boolean
  readonly createdb: boolean
  readonly login: boolean
  readonly replication: boolean
  readonly bypassrls: boolean
  readonly connection_limit: number
  readonly settings: readonly string[]
  readonly member_of: readonly { role: string; admin: boolean; inherit: boolean | null; set: boolean | null }[]
}

export interface DatabaseOfSource {
  readonly owner: string
  readonly encoding_name: string
  readonly collate: string
  readonly ctype: string
  readonly provider: string
  readonly locale: string | null
  readonly version: number
  readonly grants: readonly { grantee: string | null; privilege: string; grantable: boolean }[]
  readonly settings: readonly { role: string | null; name: string; value: string }[]
}

export interface Catalogue {
  readonly parts: readonly Part[]
  readonly needs: readonly { needing: string; needed: string }[]
  readonly owners: readonly Step[]
  readonly grants: readonly Step[]
  readonly switches: readonly Step[]
  readonly eventTriggers: readonly Step[]
  readonly roles: readonly RoleOfSource[]
  readonly database: DatabaseOfSource
  /** Subscriptions of the database, which are never copied. */
  readonly subscriptions: readonly string[]
}

/** How long it waits for the lock that a deparser takes on a table somebody is altering. */
const LOCK_TIMEOUT = '5s'

/**
 * Runs `read` in a REPEATABLE READ, READ ONLY transaction with an empty search_path, so that every name comes out
 * qualified and nothing can be written.
 */
export async function inReadOnlySnapshot<Result>(client: ClientBase, read: () => Promise<Result>): Promise<Result> {
  await client.query('begin isolation level repeatable read read only')
  try {
    await client.query(
      `select set_config('search_path', '', true), set_config('lock_timeout', $1, true), set_config('quote_all_identifiers', 'off', true)`,
      [LOCK_TIMEOUT],
    )
    return await read()
  } finally {
    await client.query('rollback')
  }
}

/** Reads the schema of the database that `client` is connected to. */
export async function readCatalogue(client: ClientBase): Promise<Catalogue> {
  return inReadOnlySnapshot(client, async () => {
    const rowsOf = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
      (await client.query(sql, values)).rows as Row[]
    const parts: Part[] = []
    for (const sql of [schemasSql, typesSql, functionsSql, foreignSql, tablesSql, hangingsSql]) {
      const rows = await rowsOf<Omit<Part, 'id'> & { class: string; oid: string }>(sql)
      for (const { class: kindOfId, oid, ...row } of rows) {
        parts.push({
          ...row,
          id: `${kindOfId}:${oid}`,
          language: row.language ?? null,
          trusted: row.trusted ?? null,
          source: row.source ?? null,
        })
      }
    }
    const [database] = await rowsOf<DatabaseOfSource>(databaseSql)
    const subscriptions = await rowsOf<{ name: string }>(
      `select s.subname::text as name from pg_catalog.pg_subscription s
       join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname = current_database()`,
    )
    return {
      parts,
      needs: await rowsOf(dependenciesSql),
      owners: await rowsOf(ownersSql, ['']),
      grants: await rowsOf(grantsSql),
      switches: await rowsOf(switchesSql),
      eventTriggers: await rowsOf(eventTriggersSql),
      roles: await rowsOf(rolesSql),
      database: database as DatabaseOfSource,
      subscriptions: subscriptions.map(({ name }) => name),
    }
  })
}
