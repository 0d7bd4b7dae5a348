// The stack's database: the embedded Postgres, or one of the user's own; with Rowhouse and the demo's
// tables installed in it.
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { install } from '@rowhouse/database'
import { bringStackMigrations, readMigrationFolder } from '@rowhouse/fleet'
import { Client } from 'pg'
import { startPostgres } from '../postgres/start.ts'

export interface StackDatabase {
  /** The login that installs. */
  readonly adminUrl: string
  /** rowhouse_app: row-level security holds it. */
  readonly appUrl: string
  /** rowhouse_migrator: owns tables, sees every row. */
  readonly migratorUrl: string
  /** rowhouse_control: the catalogue. */
  readonly controlUrl: string
  stop(): Promise<void>
}

export interface StackDatabaseOptions {
  readonly folder: string
  readonly signingKey: string
  /** A Postgres of the user's own, as a login that may install. @default the embedded one */
  readonly databaseUrl: string | undefined
  readonly log: (line: string) => void
}

const DATABASE_NAME = 'rowhouse'
const demoSchemaFolder = join(import.meta.dirname, '../demo/schema')

/**
 * Starts or reaches Postgres and installs what is missing.
 *
 * @throws RowhouseError those of `startPostgres` and `install`; `demo_tables_taken` when a table of the user's own has a name of the demo's
 */
export async function openDatabase(options: StackDatabaseOptions): Promise<StackDatabase> {
  const postgres =
    options.databaseUrl === undefined
      ? await startPostgres({ dataDir: join(options.folder, 'postgres'), log: options.log })
      : null
  try {
    const adminUrl = postgres === null ? (options.databaseUrl as string) : await ensureDatabase(postgres.adminUrl)
    if (postgres === null) await checkDemoTables(adminUrl)
    const { urls } = await install({ adminUrl, signingKey: options.signingKey })
    await createDemoTables(urls.migrator, options.log)
    return {
      adminUrl,
      appUrl: urls.app,
      migratorUrl: urls.migrator,
      controlUrl: urls.control,
      stop: async () => postgres?.stop(),
    }
  } catch (error) {
    await postgres?.stop()
    throw error
  }
}

async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** The URL of the database in the server, created when missing. */
async function ensureDatabase(adminUrl: string): Promise<string> {
  await withClient(adminUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE_NAME])
    if (rowCount === 0) await client.query(`create database ${DATABASE_NAME}`)
  })
  const url = new URL(adminUrl)
  url.pathname = `/${DATABASE_NAME}`
  return url.href
}

/** Refuses before anything is made when the user's own tables stand where the demo's would. */
async function checkDemoTables(adminUrl: string): Promise<void> {
  let taken: string[]
  try {
    taken = await withClient(adminUrl, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select c.oid::regclass::text as name
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relname in ('contacts', 'companies', 'deals')
          and pg_get_userbyid(c.relowner) not in ('rowhouse_owner', 'rowhouse_migrator')`,
      )
      return rows.map(({ name }) => name)
    })
  } catch {
    // Unreachable, refused, too old: `install` says it in the right words.
    return
  }
  if (taken.length > 0)
    throw new RowhouseError('demo_tables_taken', `The database has tables of its own named ${taken.join(' and ')}.`, {
      details: { tables: taken },
    })
}

/** In the tables that organizations share, and in every home there is; one that is made later gets them by the ledger. */
async function createDemoTables(catalogueUrl: string, log: (line: string) => void): Promise<void> {
  await bringStackMigrations({
    catalogueUrl,
    files: await readMigrationFolder(demoSchemaFolder),
    onUnreachable: (home, error) =>
      log(`the demo's tables are not in ${home}: ${error instanceof Error ? error.message : String(error)}`),
  })
}
