// The connection that adopts: what it must be able to do, and how it is set.
import type { ClientBase } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'

/** @throws RowhouseError not_installed, login_lacks_privilege */
export async function prepareSession(client: ClientBase): Promise<void> {
  // With row_security off a statement that row security would change is an error, not zero rows.
  await client.query(`set search_path = pg_catalog; set row_security = off; set lock_timeout = 0; set statement_timeout = 0;
    set idle_in_transaction_session_timeout = 0; set default_transaction_isolation = 'read committed';
    set default_transaction_read_only = off; set application_name = 'rowhouse adopt'`)
  // A server that looks after its client ends a killed run's index build, so that the next run need not wait for it.
  await client.query("set client_connection_check_interval = '500ms'").catch(() => undefined)
  const { rows } = await client.query<{ installed: boolean; bypasses: boolean; login: string }>(
    `select to_regclass('rowhouse.adoptions') is not null as installed,
       (select r.rolsuper or r.rolbypassrls from pg_roles r where r.rolname = current_user) as bypasses,
       current_user as login`,
  )
  const { installed, bypasses, login } = rows[0] as { installed: boolean; bypasses: boolean; login: string }
  if (!installed) throw new RowhouseError('not_installed')
  if (!bypasses)
    throw new RowhouseError('login_lacks_privilege', `The login ${login} may not look past row-level security.`, {
      hint: 'Adopt as rowhouse_migrator, as postgres on Supabase, or as a superuser.',
    })
  const { rows: lacking } = await client.query<{ statement: string }>(
    `select 'grant select, insert, update, delete on rowhouse.adoptions, rowhouse.adoption_steps to ' || quote_ident(current_user) as statement
     where not has_table_privilege('rowhouse.adoption_steps', 'select, insert')
       or not has_schema_privilege('rowhouse_adopt', 'create')`,
  )
  if (lacking[0] !== undefined)
    throw new RowhouseError('login_lacks_privilege', `The login ${login} is no member of rowhouse_owner.`, {
      hint: `grant rowhouse_owner to ${login}`,
    })
}

/**
 * Holds back the user's triggers in the backfill, which writes a column that they know nothing of: `updated_at` of ten
 * million rows stays what it was. Only who may set session_replication_role can; whoever may not is told which fire.
 *
 * @returns whether they are held back
 */
export async function holdTriggers(client: ClientBase): Promise<boolean> {
  try {
    await client.query("set session_replication_role = 'replica'")
    return true
  } catch {
    return false
  }
}

export async function releaseTriggers(client: ClientBase): Promise<void> {
  await client.query('reset session_replication_role')
}
