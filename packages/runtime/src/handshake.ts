// What a new connection must prove before it serves anybody: that its login is held by row-level security, that the
// schema is the one this program knows, which database it is, and what time it is there.
import { RowhouseError } from '@rowhouse/contracts'
import { deriveTokenKey, requireSchemaVersion, tokenKeyId } from '@rowhouse/database'

import type { PgClient } from './driver.ts'
import { fromConnect } from './postgres-error.ts'
import type { TokenKey } from './token.ts'

/** What tokens are made with: the database's key, and how far its clock is ahead of this machine's. */
export interface Identity extends TokenKey {
  readonly offsetMs: number
}

/** Clocks may differ by this much; tokens are made on database time either way. */
const LEEWAY_MS = 30_000

// Membership counts whether or not it is inherited: SET ROLE needs no inheritance. An owner of the schema could
// switch row-level security off, which comes to the same. From the login upwards, by index: a server with thousands of homes
// has as many logins, and pg_has_role() would be asked of each whenever somebody connects.
const HANDSHAKE = `
with recursive path (oid) as (
  select login.oid from pg_catalog.pg_roles as login where login.rolname = session_user
  union
  select up.oid
  from path
  cross join lateral (
    select membership.roleid as oid from pg_catalog.pg_auth_members as membership where membership.member = path.oid
    union all
    -- Which is no row of memberships.
    select 'pg_database_owner'::pg_catalog.regrole
    from pg_catalog.pg_database as here
    where here.datname = pg_catalog.current_database() and here.datdba = path.oid
  ) as up
)
select
  handshake.database_id,
  handshake.schema_version,
  handshake.oldest_runtime,
  extract(epoch from handshake.server_now) * 1000 as server_now_ms,
  handshake.token_key_ids,
  session_user::text as login,
  (
    select string_agg(role.rolname, ', ')
    from pg_catalog.pg_roles as role
    where role.oid = any (array(select path.oid from path))
      and (
        role.rolsuper
        or role.rolbypassrls
        or role.oid = (select nspowner from pg_catalog.pg_namespace where nspname = 'rowhouse')
      )
  ) as bypass
from rowhouse.handshake() as handshake`

interface HandshakeRow {
  readonly database_id: string
  readonly schema_version: number
  readonly oldest_runtime: number
  readonly server_now_ms: string
  readonly token_key_ids: readonly string[]
  readonly login: string
  readonly bypass: string | null
}

/**
 * @throws RowhouseError login_bypasses_rls, not_installed, login_lacks_privilege, schema_outdated, schema_newer,
 * token_invalid (installed with another signing key), clock_skew, database_unreachable
 */
export async function shakeHands(client: PgClient, signingKey: string, now: () => number): Promise<Identity> {
  const askedAtMs = now()
  let row: HandshakeRow
  try {
    row = (await client.query(HANDSHAKE)).rows[0] as unknown as HandshakeRow
  } catch (error) {
    throw fromConnect(error)
  }
  const answeredAtMs = now()
  if (row.bypass !== null) {
    throw new RowhouseError(
      'login_bypasses_rls',
      `The login ${row.login} bypasses row-level security by way of: ${row.bypass}.`,
      {
        details: { login: row.login, suggested: 'rowhouse_app' },
      },
    )
  }
  requireSchemaVersion(row.schema_version, row.oldest_runtime)
  const key = deriveTokenKey(signingKey, row.database_id)
  const keyId = tokenKeyId(key)
  if (!row.token_key_ids.includes(keyId)) {
    throw new RowhouseError('token_invalid', 'The database was installed with another signing key.', {
      details: { keyId, installed: row.token_key_ids },
    })
  }
  // The server looked at its clock somewhere between asking and answering; the middle errs by half a round trip.
  const offsetMs = Math.round(Number(row.server_now_ms) - (askedAtMs + answeredAtMs) / 2)
  if (Math.abs(offsetMs) > LEEWAY_MS) {
    const direction = offsetMs > 0 ? 'behind' : 'ahead of'
    throw new RowhouseError(
      'clock_skew',
      `The clock of this machine is ${Math.abs(offsetMs) / 1000} s ${direction} the database's.`,
      {
        details: { offsetMs, leewayMs: LEEWAY_MS },
      },
    )
  }
  return { databaseId: row.database_id, key, keyId, offsetMs }
}
