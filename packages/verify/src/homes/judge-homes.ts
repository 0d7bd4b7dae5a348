// The homes of a rollout's first wave, judged by every rule, as errors only, before anybody else gets the migrations.
import { Client, DatabaseError } from 'pg'
import type { ClientBase, ClientConfig } from 'pg'

import { verifyDatabase } from '../verify-database.ts'

/** Definitions are read under a lock: who changes a table for long must not hold up a rollout without end. */
const LOCK_TIMEOUT_MS = 3000

export interface JudgedHome {
  readonly cluster: string
  /** Null: the catalogue's. */
  readonly databaseName: string | null
  readonly schemaName: string
}

export interface JudgeHomesOptions<Home> {
  /** As rowhouse_migrator, to the database of a home. */
  readonly connection: (home: Home) => ClientConfig
  /** What people call it. */
  readonly nameOf: (home: Home) => string
}

/** One line for each error; homes of one database are judged together. */
export async function judgeHomes<Home extends JudgedHome>(
  homes: readonly Home[],
  { connection, nameOf }: JudgeHomesOptions<Home>,
): Promise<string[]> {
  const wrong: string[] = []
  const groups = Map.groupBy(homes, ({ cluster, databaseName }) => `${cluster}/${databaseName ?? ''}`)
  for (const inDatabase of groups.values()) {
    const [home] = inDatabase
    if (home === undefined) continue
    const client = new Client({ ...connection(home), application_name: 'rowhouse migrate' })
    client.on('error', () => undefined)
    try {
      await client.connect()
    } catch (error) {
      // Of this database alone: the rollout meets it as well, and says whose homes are left.
      wrong.push(`${nameOf(home)} could not be judged: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    try {
      await client.query(`begin read only; set local lock_timeout = '${LOCK_TIMEOUT_MS}ms'`)
      const schemas = await withProtectedTables(client, inDatabase)
      if (schemas.length === 0) continue
      const { findings, undecided } = await verifyDatabase(client, { schemas, failOn: 'error' })
      const errors = findings.filter(({ severity }) => severity === 'error')
      wrong.push(...errors.map(({ rule, object, message }) => `${rule} ${object}: ${message}`))
      wrong.push(...undecided.map((reason) => `${nameOf(home)} could not be judged: ${reason}`))
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== '55P03') throw error
      wrong.push(`${nameOf(home)} could not be judged: a table is locked by somebody who changes it.`)
    } finally {
      await client.end()
    }
  }
  return wrong
}

/** A home whose last table was dropped has nothing to judge; a table that nothing protects the rollout has refused already. */
export async function withProtectedTables(
  client: ClientBase,
  homes: readonly Pick<JudgedHome, 'schemaName'>[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct n.nspname::text as name
     from pg_catalog.pg_policy p
     join pg_catalog.pg_class c on c.oid = p.polrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where p.polname = 'rowhouse_organization' and n.nspname = any ($1)
     order by 1`,
    [homes.map(({ schemaName }) => schemaName)],
  )
  return rows.map(({ name }) => name)
}
