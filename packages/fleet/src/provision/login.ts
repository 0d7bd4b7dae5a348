// The login of a home: one organization comes by it, to one place. It can do nothing of its own, belongs to nothing but the
// group that may call Rowhouse's functions, and its password follows from the signing key.
import type { ClientBase } from 'pg'
import { DatabaseError, escapeIdentifier, escapeLiteral } from 'pg'

import { deriveLoginPassword, scramVerifier } from '@rowhouse/database'
import type { HomeLogin } from '@rowhouse/database'

/** The password has 256 bits: nobody guesses it, however fast a guess is checked. docs/adr/0017. */
const SCRAM_ITERATIONS = 1

const LOCK_TIMEOUT = '10s'

/** Of all databases of a server at once: two runs that grant the same role meet here. */
const ROLE_ATTEMPTS_MAX = 20

export interface LoginLimits {
  /** CONNECTION LIMIT; null: none. */
  readonly connections: number | null
  readonly statementTimeoutMs: number | null
  readonly idleInTransactionTimeoutMs: number | null
}

export const noLimits: LoginLimits = { connections: null, statementTimeoutMs: null, idleInTransactionTimeoutMs: null }

/** Makes the login where it is missing and gives it the password of this signing key. Runs inside a transaction. */
export async function ensureLogin(client: ClientBase, login: HomeLogin, signingKey: string): Promise<void> {
  const name = escapeIdentifier(login)
  const password = escapeLiteral(scramVerifier(deriveLoginPassword(signingKey, login), undefined, SCRAM_ITERATIONS))
  const { rows } = await client.query<{ there: boolean; superuser: boolean }>(
    `select exists (select from pg_catalog.pg_roles where rolname = $1) as there,
            (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser`,
    [login],
  )
  const { there, superuser } = rows[0] as { there: boolean; superuser: boolean }
  // The first three are what a new role is; said for one that somebody has changed. Only a superuser may say the last two.
  const attributes = `login nocreaterole nocreatedb inherit ${superuser ? 'nosuperuser noreplication nobypassrls' : ''}`
  await client.query(`${there ? 'alter' : 'create'} role ${name} ${attributes} password ${password}`)
  await client.query(
    `alter role ${name} set lock_timeout = '${LOCK_TIMEOUT}';
     ${superuser ? `alter role ${name} set track_activities = off` : ''}`,
  )
}

/** Makes it a member of the group of such logins: for the schema model, where many share Rowhouse's functions. */
export async function joinTenants(client: ClientBase, login: HomeLogin): Promise<void> {
  const { rows } = await client.query<{ version: number; member: boolean }>(
    `select current_setting('server_version_num')::int as version,
            exists (
              select from pg_catalog.pg_auth_members m
              where m.roleid = 'rowhouse_tenant'::regrole and m.member = $1::regrole
            ) as member`,
    [login],
  )
  const { version, member } = rows[0] as { version: number; member: boolean }
  if (member) return
  // It has what the group has, and cannot become it. Before Postgres 16 that cannot be said apart; the group has nothing else.
  const how = version >= 160_000 ? ' with inherit true, set false' : ''
  await client.query(`grant rowhouse_tenant to ${escapeIdentifier(login)}${how}`)
}

/** What its plan allows, as settings of the role. Runs as the administrator; any database of the server will do. */
export async function limitLogin(client: ClientBase, login: HomeLogin, limits: LoginLimits): Promise<void> {
  const name = escapeIdentifier(login)
  const setting = (parameter: string, value: number | null): string =>
    value === null
      ? `alter role ${name} reset ${parameter}`
      : `alter role ${name} set ${parameter} = ${escapeLiteral(`${value}ms`)}`
  const statement = [
    `alter role ${name} connection limit ${limits.connections ?? -1}`,
    setting('statement_timeout', limits.statementTimeoutMs),
    setting('idle_in_transaction_session_timeout', limits.idleInTransactionTimeoutMs),
  ].join(';')
  await settled(() => client.query(statement))
}

/** Nobody comes by it from now on, and who is there goes. Says whether there is such a login. */
export async function lockLogin(client: ClientBase, login: HomeLogin): Promise<boolean> {
  if (!(await isThere(client, login))) return false
  await settled(() => client.query(`alter role ${escapeIdentifier(login)} nologin`))
  await client.query(
    'select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where usename = $1',
    [login],
  )
  return true
}

/** The reverse: the same password opens it again. */
export async function openLogin(client: ClientBase, login: HomeLogin): Promise<boolean> {
  if (!(await isThere(client, login))) return false
  await settled(() => client.query(`alter role ${escapeIdentifier(login)} login`))
  return true
}

async function isThere(client: ClientBase, login: HomeLogin): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_catalog.pg_roles where rolname = $1', [login])
  return rowCount === 1
}

/** Drops the login; where it still owns or may do something in this database that goes first. */
export async function dropLogin(client: ClientBase, login: HomeLogin): Promise<void> {
  const { rows } = await client.query<{ superuser: boolean; version: number }>(
    `select (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser,
            current_setting('server_version_num')::int as version
     from pg_catalog.pg_roles where rolname = $1`,
    [login],
  )
  const [there] = rows
  if (there === undefined) return
  const name = escapeIdentifier(login)
  if (!there.superuser) {
    // From 16 on who made a role administers it without having what it has.
    await client.query(`grant ${name} to current_user${there.version >= 160_000 ? ' with inherit true' : ''}`)
  }
  await settled(() => client.query(`drop owned by ${name} cascade; drop role ${name}`))
}

/** "tuple concurrently updated" has no SQLSTATE of its own; it means that somebody else was a moment faster. */
async function settled<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (error) {
      const collided =
        error instanceof DatabaseError && error.code === 'XX000' && error.message.includes('concurrently')
      if (!collided || attempt === ROLE_ATTEMPTS_MAX) throw error
    }
  }
}
