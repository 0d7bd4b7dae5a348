// Installs and upgrades the SQL layer. Any number of installs may run at once, in one database or in many of a
// cluster: one does the work, the others find it done. Nothing is half made; the schema is one transaction.
import { Client, DatabaseError } from 'pg'
import type { ClientConfig } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { checkMasterKey, loginUrl } from '../keys.ts'
import type { LoginRole } from '../keys.ts'
import { migrate, schemaVersion } from '../migrations.ts'
import { connectionError } from './connection-error.ts'
import { hardenDatabase } from './hardening.ts'
import { ensureIdentity } from './identity.ts'
import { createRoles, loginRoles } from './roles.ts'

const POSTGRES_VERSION_MIN = 150_000
/** Any number will do, as long as nobody else in the database uses it. */
const INSTALL_LOCK = 7_264_822_091

export interface InstallOptions {
  /** A login that may create roles and schemas in the database: a superuser, or the database's owner with CREATEROLE. */
  readonly adminUrl: string
  /** The master key: at least 32 characters. Passwords of the logins and keys of tokens follow from it. */
  readonly signingKey: string
  /** Give existing logins the passwords of this signing key, and stop accepting tokens of any other. @default false */
  readonly resetLogins?: boolean
  /** TLS as pg takes it, for what a URL cannot say. @default as the URL says */
  readonly ssl?: ClientConfig['ssl'] | undefined
}

export interface InstallResult {
  readonly databaseId: string
  readonly schemaVersion: number
  /** Names of the migrations that this call applied; empty when the schema was up to date. */
  readonly applied: readonly string[]
  readonly urls: { readonly app: string; readonly migrator: string; readonly control: string }
}

/**
 * Installs Rowhouse in the database of adminUrl, or upgrades it. Safe to run again and at the same time.
 *
 * @throws RowhouseError invalid_option, signing_key_missing, signing_key_too_short, database_unreachable, database_login_refused,
 *   postgres_too_old, login_lacks_privilege, schema_newer, migration_changed, login_password_differs
 */
export async function install({
  adminUrl,
  signingKey,
  resetLogins = false,
  ssl,
}: InstallOptions): Promise<InstallResult> {
  checkMasterKey(signingKey)
  if (!URL.canParse(adminUrl)) {
    throw new RowhouseError('invalid_option', 'adminUrl takes a URL: postgres://user:password@host:5432/database')
  }
  const client = await connect(adminUrl, ssl)
  try {
    const isSuperuser = await checkServer(client)
    await createRoles(client, { signingKey, resetLogins, isSuperuser })
    const urls = {
      app: loginUrl(adminUrl, 'rowhouse_app', signingKey),
      migrator: loginUrl(adminUrl, 'rowhouse_migrator', signingKey),
      control: loginUrl(adminUrl, 'rowhouse_control', signingKey),
    }
    const result = await installSchema(client, { signingKey, resetLogins, isSuperuser })
    await checkLogins(adminUrl, signingKey, await admittedLogins(client), ssl)
    return { ...result, schemaVersion, urls }
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42501') {
      throw new RowhouseError('login_lacks_privilege', `The login of adminUrl may not install: ${error.message}.`, {
        hint: 'Use a superuser, or the owner of the database with CREATEROLE.',
        cause: error,
      })
    }
    throw error
  } finally {
    await client.end()
  }
}

async function connect(url: string, ssl: InstallOptions['ssl']): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'rowhouse install',
    ...(ssl !== undefined && { ssl }),
  })
  try {
    await client.connect()
  } catch (error) {
    throw connectionError(error, url)
  }
  return client
}

/** Whether the login is a superuser. @throws RowhouseError postgres_too_old */
async function checkServer(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ version: number; text: string; superuser: boolean }>(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as text,
            (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser`,
  )
  const { version, text, superuser } = rows[0] as { version: number; text: string; superuser: boolean }
  checkVersion(version, text)
  return superuser
}

/** @param version as `server_version_num` gives it: 150004 is 15.4. @throws RowhouseError postgres_too_old */
export function checkVersion(version: number, text: string): void {
  if (version >= POSTGRES_VERSION_MIN) return
  throw new RowhouseError('postgres_too_old', `This is Postgres ${text}; Rowhouse needs 15 or newer.`, {
    details: { version: text },
  })
}

interface SchemaOptions {
  readonly signingKey: string
  readonly resetLogins: boolean
  readonly isSuperuser: boolean
}

async function installSchema(
  client: Client,
  { signingKey, resetLogins, isSuperuser }: SchemaOptions,
): Promise<{ databaseId: string; applied: string[] }> {
  await client.query('begin')
  try {
    await client.query('select pg_catalog.pg_advisory_xact_lock($1)', [INSTALL_LOCK])
    // The owner makes schemas: Rowhouse's own, and later those of organizations.
    await client.query(
      `do $$ begin execute format('grant create on database %I to rowhouse_owner', current_database()); end $$`,
    )
    await client.query('create schema if not exists rowhouse authorization rowhouse_owner')
    await client.query('set local role rowhouse_owner')
    await client.query('set local search_path = pg_catalog, pg_temp')
    const applied = await migrate(client)
    const databaseId = await ensureIdentity(client, { signingKey, dropOtherKeys: resetLogins })
    await client.query('set local role none')
    await hardenDatabase(client, isSuperuser)
    await client.query('commit')
    return { databaseId, applied: applied.map(({ name }) => name) }
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** All of them, but for rowhouse_app in a database that is the home of one organization. */
async function admittedLogins(client: Client): Promise<readonly LoginRole[]> {
  const { rows } = await client.query<{ role: LoginRole }>(
    `select r as role from unnest($1::text[]) r where has_database_privilege(r, current_database(), 'connect')`,
    [loginRoles],
  )
  return rows.map(({ role }) => role)
}

/** @throws RowhouseError login_password_differs */
async function checkLogins(
  adminUrl: string,
  signingKey: string,
  logins: readonly LoginRole[],
  ssl: InstallOptions['ssl'],
): Promise<void> {
  for (const role of logins) {
    const client = new Client({
      connectionString: loginUrl(adminUrl, role, signingKey),
      ...(ssl !== undefined && { ssl }),
    })
    try {
      await client.connect()
      await client.end()
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== '28P01') throw connectionError(error, adminUrl)
      throw new RowhouseError('login_password_differs', `The login ${role} exists with another password.`, {
        details: { role },
        cause: error,
      })
    }
  }
}
