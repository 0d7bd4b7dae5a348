// A Postgres with the roles of a Supabase project, where `postgres` is no superuser. Roles belong to the whole cluster, and
// the other tests want a superuser of that name, so it is a server of its own.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@rowhouse/embedded'

import { withClient } from '../test-database.ts'
import { startInstalledPostgres } from './installed-postgres.ts'

export type SupabaseLogin =
  | 'postgres'
  | 'authenticator'
  | 'supabase_auth_admin'
  | 'supabase_storage_admin'
  | 'supabase_replication_admin'

export interface SupabaseServer {
  /** supabase_admin, the superuser. */
  readonly adminUrl: string
  /** The log that the server itself writes; none of an installed one. */
  readonly logFile: string | null
  /** The URL of another database, as another login. */
  urlOf(database: string, login?: SupabaseLogin): string
  /** Makes a database with Supabase's schemas, owned by `postgres`, as the project's own is. */
  createProject(name: string, options?: { readonly vault?: boolean }): Promise<void>
  stop(): Promise<void>
}

const sql = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8')

/**
 * Starts it. Prefer useSupabaseDatabase().
 *
 * @param binaries the folder of another Postgres's programs; the embedded one has no pg_dump
 */
export async function startSupabaseServer(binaries?: string): Promise<SupabaseServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-supabase-'))
  const server =
    binaries === undefined
      ? await startPostgres({ dataDir, durable: false })
      : await startInstalledPostgres(binaries, dataDir)
  const password = randomBytes(16).toString('hex')
  const bootstrap = new URL(server.adminUrl)
  const setup = new URL(server.adminUrl)
  ;[setup.username, setup.password] = ['shaper', password]
  // Nobody can rename the role that is logged in, so another superuser does it.
  await withClient(bootstrap.href, (client) =>
    client.query(`create role shaper superuser login password '${password}'`),
  )
  await withClient(setup.href, async (client) => {
    await client.query(sql('roles.sql'))
    for (const login of [
      'postgres',
      'authenticator',
      'supabase_auth_admin',
      'supabase_storage_admin',
      'supabase_replication_admin',
    ]) {
      await client.query(`alter role ${login} password '${password}'`)
    }
  })
  bootstrap.username = 'supabase_admin'
  await withClient(bootstrap.href, (client) => client.query('drop role shaper'))
  const urlOf = (database: string, login?: SupabaseLogin): string => {
    const url = new URL(bootstrap)
    url.pathname = `/${database}`
    if (login !== undefined) [url.username, url.password] = [login, password]
    return url.href
  }
  return {
    adminUrl: bootstrap.href,
    logFile: 'logFile' in server && typeof server.logFile === 'string' ? server.logFile : null,
    urlOf,
    async createProject(name, { vault = false } = {}) {
      await withClient(bootstrap.href, (admin) => admin.query(`create database ${name} owner postgres`))
      await withClient(urlOf(name), async (admin) => {
        await admin.query(sql('schemas.sql'))
        if (vault) await admin.query(sql('vault.sql'))
        await admin.query(`grant all on database ${name} to dashboard_user`)
      })
    },
    async stop() {
      await server.stop()
      if (process.env['ROWHOUSE_TEST_KEEP'] === '1') process.stderr.write(`Kept the data in ${dataDir}\n`)
      else await rm(dataDir, { recursive: true, force: true })
    },
  }
}
