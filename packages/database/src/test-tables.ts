// For tests of protect(): the schema `shop`, empty before every test, and what migrators and tenants do in it.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Claims, TestDatabase, TwoWorlds, World } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach } from 'vitest'

export interface Tables {
  readonly database: TestDatabase
  readonly worlds: TwoWorlds
  /** A connection of rowhouse_migrator with search_path = shop. */
  readonly migrator: Client
  /** What protect says. */
  readonly protect: (table: string, options?: unknown) => Promise<string[]>
  /** The SQLSTATE of a statement of the migrator, or `done`; what it did is undone when it fails. */
  readonly refusal: (statement: string, values?: readonly unknown[]) => Promise<string>
  /** Codes of the findings whose object starts with `shop`. */
  readonly findings: () => Promise<string[]>
}

export function useTables(): () => Tables {
  const database = useTestDatabase()
  const made: { tables?: Tables } = {}
  beforeAll(async () => {
    const worlds = await createTwoWorlds(database())
    const migrator = new Client({ connectionString: database().migratorUrl })
    await migrator.connect()
    await migrator.query('set role rowhouse_owner; create schema shop; reset role')
    made.tables = {
      database: database(),
      worlds,
      migrator,
      protect: async (table, options = {}) => {
        const { rows } = await migrator.query<{ line: string }>('select rowhouse.protect($1::regclass, $2) as line', [
          table,
          options,
        ])
        return rows.map(({ line }) => line)
      },
      refusal: (statement, values = []) => sqlstateOf(migrator.query(statement, [...values])),
      findings: () =>
        withClient(database().controlUrl, async (control) => {
          const { rows } = await control.query<{ code: string }>(
            "select code from rowhouse.findings() where object like 'shop%' order by 1",
          )
          return rows.map(({ code }) => code)
        }),
    }
  })
  afterAll(() => made.tables?.migrator.end())
  beforeEach(async () => {
    await made.tables?.migrator.query('rollback')
    await made.tables?.migrator.query(
      'set role rowhouse_owner; drop schema shop cascade; create schema shop; reset role; set search_path = shop',
    )
  })
  return () => {
    if (made.tables === undefined) throw new Error('The tables are there inside hooks and tests only.')
    return made.tables
  }
}

/** Runs `use` sealed, in a transaction of its own that commits. */
export async function act<Result>(
  { database }: Tables,
  world: World,
  use: (app: Client) => Promise<Result>,
  changes?: Claims,
): Promise<Result> {
  return withClient(database.appUrl, async (app) => {
    await app.query('set search_path = shop')
    await app.query('begin')
    await world.enter(app, changes)
    const result = await use(app)
    await app.query('commit')
    return result
  })
}

/** How many rows a statement found or wrote, or the SQLSTATE it failed with. */
export const outcome =
  (statement: string, values: readonly unknown[] = []) =>
  async (app: Client): Promise<number | string | null> => {
    await app.query('savepoint attempt')
    try {
      return (await app.query(statement, [...values])).rowCount
    } catch (error) {
      await app.query('rollback to attempt')
      return sqlstateOf(Promise.reject(error))
    }
  }
