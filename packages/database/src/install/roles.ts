// The roles of Rowhouse. They belong to the cluster, so two installs in two databases race here and no advisory
// lock of one database helps: what the other one made first is taken as it is.
import type { ClientBase } from 'pg'
import { DatabaseError } from 'pg'

import { deriveLoginPassword, scramVerifier } from '../keys.ts'
import type { LoginRole } from '../keys.ts'

export const loginRoles: readonly LoginRole[] = ['rowhouse_app', 'rowhouse_control', 'rowhouse_migrator']

const ATTEMPTS_MAX = 50

const made = new Set(['42710', '23505'])

/** "tuple concurrently updated" has no SQLSTATE of its own. */
function isCollision(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === 'XX000' && error.message.includes('concurrently')
}

/** Runs one statement about a role; a collision with another install is tried again, an existing role is fine. */
async function settle(client: ClientBase, statement: string): Promise<'done' | 'existed'> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(statement)
      return 'done'
    } catch (error) {
      if (error instanceof DatabaseError && made.has(error.code ?? '')) return 'existed'
      if (!isCollision(error) || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

export interface RoleOptions {
  readonly signingKey: string
  readonly resetLogins: boolean
  readonly isSuperuser: boolean
}

/** Creates what is missing; passwords of existing logins change only with resetLogins. Runs outside a transaction. */
export async function createRoles(client: ClientBase, options: RoleOptions): Promise<void> {
  const { rows } = await client.query<{ rolname: string; rolcanlogin: boolean }>(
    "select rolname, rolcanlogin from pg_catalog.pg_roles where rolname like 'rowhouse\\_%'",
  )
  const existing = new Set(rows.map(({ rolname }) => rolname))
  // Made by the file of `rowhouse install --sql`, which holds no secret.
  const waiting = new Set(rows.filter(({ rolcanlogin }) => !rolcanlogin).map(({ rolname }) => rolname))
  // The owner of the schema, and the group of the logins that homes have of their own.
  for (const role of ['rowhouse_owner', 'rowhouse_tenant']) {
    if (!existing.has(role)) await settle(client, `create role ${role} nologin`)
  }
  for (const role of loginRoles) {
    const password = scramVerifier(deriveLoginPassword(options.signingKey, role))
    if (!existing.has(role)) {
      const outcome = await createLogin(client, role, password)
      if (outcome === 'done') continue
    }
    if (waiting.has(role)) await settle(client, `alter role ${role} login password '${password}'`)
    else if (options.resetLogins) await settle(client, `alter role ${role} password '${password}'`)
  }
  if (options.resetLogins) await resetAppSettings(client)
  await grantMemberships(client, options.isSuperuser)
  await createGatewayRoles(client)
  await limitAppLogin(client, options.isSuperuser)
}

async function createLogin(client: ClientBase, role: LoginRole, password: string): Promise<'done' | 'existed'> {
  const statement = `create role ${role} login password '${password}'`
  if (role !== 'rowhouse_migrator') return settle(client, statement)
  try {
    return await settle(client, `${statement} bypassrls`)
  } catch (error) {
    // Before Postgres 16 only a superuser may give BYPASSRLS away; findings() says what is then missing.
    if (!(error instanceof DatabaseError) || error.code !== '42501') throw error
    return settle(client, statement)
  }
}

async function grantMemberships(client: ClientBase, isSuperuser: boolean): Promise<void> {
  const { rows } = await client.query<{ migrator: boolean; admin: boolean; version: number }>(
    `select pg_has_role('rowhouse_migrator', 'rowhouse_owner', 'usage') as migrator,
            pg_has_role(current_user, 'rowhouse_owner', 'usage') as admin,
            current_setting('server_version_num')::int as version`,
  )
  const is = rows[0]
  if (is?.migrator !== true) await settle(client, 'grant rowhouse_owner to rowhouse_migrator')
  if (is?.admin !== true && !isSuperuser) {
    // From 16 on the creator of a role administers it without being able to act as it.
    const inherit = (is?.version ?? 0) >= 160_000 ? ' with inherit true, set true' : ''
    await settle(client, `grant rowhouse_owner to current_user${inherit}`)
  }
}

/** A login may give itself a password and session defaults; one that tenants share could do it to all of them. */
async function resetAppSettings(client: ClientBase): Promise<void> {
  await settle(client, 'alter role rowhouse_app reset all')
  const { rows } = await client.query<{ statement: string }>(
    `select format('alter role rowhouse_app in database %I reset all', current_database()) as statement`,
  )
  await settle(client, (rows[0] as { statement: string }).statement)
}

/**
 * Supabase's roles, where they are missing: nobody can log in as one of them, and none bypasses row security, until an
 * administrator says so. Where they exist they stay as they are.
 */
async function createGatewayRoles(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ role: string }>(
    `select r as role from unnest('{anon,authenticated,service_role,authenticator}'::text[]) r
     where not exists (select from pg_catalog.pg_roles where rolname = r)`,
  )
  for (const { role } of rows) await settle(client, `create role ${role} nologin noinherit`)
  const { rows: strangers } = await client.query<{ role: string }>(
    `select r as role from unnest('{anon,authenticated,service_role}'::text[]) r
     where not pg_has_role('authenticator', r, 'member')`,
  )
  for (const { role } of strangers) await settle(client, `grant ${role} to authenticator`)
}

/** Other sessions see neither the queries of this login nor wait for it without end. */
async function limitAppLogin(client: ClientBase, isSuperuser: boolean): Promise<void> {
  const { rows } = await client.query<{ config: string[] | null }>(
    "select rolconfig as config from pg_catalog.pg_roles where rolname = 'rowhouse_app'",
  )
  const config = new Set(rows[0]?.config)
  if (isSuperuser && !config.has('track_activities=off')) {
    await settle(client, 'alter role rowhouse_app set track_activities = off')
  }
  if (!config.has('lock_timeout=10s')) await settle(client, "alter role rowhouse_app set lock_timeout = '10s'")
}
