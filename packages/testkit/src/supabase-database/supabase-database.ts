// A database shaped like a Supabase project's: its roles and privileges, auth, storage and realtime, and `postgres` as the
// role that migrates, which is no superuser.
import { randomBytes } from 'node:crypto'
import { install } from '@rowhouse/database'
import { afterAll, beforeAll } from 'vitest'

import { testSigningKey } from '../signing-key.ts'
import type { TestDatabase } from '../test-database.ts'
import { startSupabaseServer } from './supabase-server.ts'
import type { SupabaseServer } from './supabase-server.ts'

export interface SupabaseDatabase extends TestDatabase {
  /** The login that people and `supabase db push` have: CREATEROLE, CREATEDB and BYPASSRLS, no superuser. */
  readonly postgresUrl: string
  /** PostgREST's login. */
  readonly authenticatorUrl: string
  /** Supabase Auth's login. */
  readonly authUrl: string
  /** The Storage API's login. */
  readonly storageUrl: string
  /** For a second project, or one without Rowhouse. */
  readonly server: SupabaseServer
}

export interface SupabaseOptions {
  /** Whether Rowhouse is installed in it, by `postgres`. @default true */
  readonly installed?: boolean
  /** Whether the project has Supabase Vault. @default false */
  readonly vault?: boolean
}

/** A Supabase-shaped database for the whole file, on a server of its own; `database()` gives it inside hooks and tests. */
export function useSupabaseDatabase({ installed = true, vault = false }: SupabaseOptions = {}): () => SupabaseDatabase {
  let server: SupabaseServer | undefined
  let database: SupabaseDatabase | undefined
  beforeAll(async () => {
    server = await startSupabaseServer()
    const name = `project_${randomBytes(6).toString('hex')}`
    await server.createProject(name, { vault })
    database = await describeProject(server, name, installed)
  })
  afterAll(async () => {
    await server?.stop()
  })
  return () => {
    if (database === undefined) throw new Error('The database is there inside hooks and tests only.')
    return database
  }
}

async function describeProject(server: SupabaseServer, name: string, installed: boolean): Promise<SupabaseDatabase> {
  const postgresUrl = server.urlOf(name, 'postgres')
  const made = installed ? await install({ adminUrl: postgresUrl, signingKey: testSigningKey }) : undefined
  return {
    name,
    databaseId: made?.databaseId ?? '',
    signingKey: testSigningKey,
    adminUrl: server.urlOf(name),
    appUrl: made?.urls.app ?? '',
    migratorUrl: made?.urls.migrator ?? '',
    controlUrl: made?.urls.control ?? '',
    ...(server.logFile !== null && { serverLog: server.logFile }),
    postgresUrl,
    authenticatorUrl: server.urlOf(name, 'authenticator'),
    authUrl: server.urlOf(name, 'supabase_auth_admin'),
    storageUrl: server.urlOf(name, 'supabase_storage_admin'),
    server,
    drop: () => server.stop(),
  }
}
