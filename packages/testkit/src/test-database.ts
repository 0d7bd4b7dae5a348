// A database of its own for each test file, cloned from the template: the clone gets an id and keys of its own.
// Dropping it fails when the file left connections open.
import { randomBytes } from 'node:crypto'
import { install } from '@rowhouse/database'
import { Client } from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'

import { testSigningKey } from './signing-key.ts'

const LEAK_WAIT_MS = 30_000
const LEAK_CHECK_MS = 20

export interface TestDatabase {
  readonly name: string
  readonly databaseId: string
  readonly signingKey: string
  /** Superuser, whom the guard's event triggers do not stop: tests break schemas to see what notices. */
  readonly adminUrl: string
  readonly appUrl: string
  readonly migratorUrl: string
  readonly controlUrl: string
  /** The log that the server itself writes, of all its databases; none for a server that was given. */
  readonly serverLog?: string
  /**
   * @param leakWaitMs how long a connection may take to end
   * @throws Error when connections to it are still open; it is dropped all the same
   */
  drop(leakWaitMs?: number): Promise<void>
}

/** Clones the template. Prefer useTestDatabase(), which also drops it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('adminUrl')
  const name = `rowhouse_test_${randomBytes(6).toString('hex')}`
  // As files: going through the log of Postgres took a third more.
  await withClient(serverUrl, (admin) =>
    admin.query(`create database ${name} template ${inject('templateName')} strategy file_copy`),
  )
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const { databaseId, urls } = await install({ adminUrl: url.href, signingKey: testSigningKey })
  const serverLog = inject('serverLog')
  await goPastTheGuard(url.href)
  return {
    name,
    databaseId,
    signingKey: testSigningKey,
    adminUrl: url.href,
    appUrl: urls.app,
    migratorUrl: urls.migrator,
    controlUrl: urls.control,
    ...(serverLog !== '' && { serverLog }),
    drop: (leakWaitMs = LEAK_WAIT_MS) => withClient(serverUrl, (admin) => dropDatabase(admin, name, leakWaitMs)),
  }
}

/**
 * Has the guard let superusers through. Before Postgres 17 event triggers cannot be switched off for a session: there the guard
 * is told of them, by the setting that protect() tells it of itself by.
 */
export async function goPastTheGuard(url: string): Promise<void> {
  await withClient(url, (admin) =>
    admin.query(
      `do $$ begin
         if current_setting('server_version_num')::int >= 170000 then
           execute format('alter role current_user in database %I set event_triggers = off', current_database());
         else
           execute format('alter role current_user in database %I set rowhouse.protecting = %L', current_database(), '${PAST}');
           execute $past$
             create or replace function rowhouse.is_past_guard() returns boolean
               language plpgsql stable
               set search_path = pg_catalog, pg_temp
             as $body$
             begin
               return current_setting('rowhouse.protecting', true) = '${PAST}' or exists (
                 select from rowhouse.protection_events e
                 where e.id::text = current_setting('rowhouse.protecting', true) and e.transaction_id = pg_current_xact_id_if_assigned()
               );
             end
             $body$
           $past$;
         end if;
       end $$`,
    ),
  )
}
const PAST = 'past the guard'

/** As a superuser whom the guard does not let through, after `goPastTheGuard`. */
export function withGuard<Result>(adminUrl: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  return withClient(adminUrl, async (client) => {
    await client.query("set rowhouse.protecting = ''")
    await client.query(
      "select set_config('event_triggers', 'on', false) where current_setting('server_version_num')::int >= 170000",
    )
    return use(client)
  })
}

/**
 * A test database for the whole file; `database()` gives it inside hooks and tests.
 * With ROWHOUSE_TEST_KEEP=1 it stays when a test of the file failed.
 */
export function useTestDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures a hook wants from this pattern: none
  afterAll(async ({}, suite) => {
    const failed = suite.tasks.some(({ result }) => result?.state === 'fail')
    if (failed && process.env['ROWHOUSE_TEST_KEEP'] === '1') {
      process.stderr.write(`Kept the database ${database?.name}\n`)
    } else {
      await database?.drop()
    }
  })
  return () => {
    if (database === undefined) throw new Error('The database is there inside hooks and tests only.')
    return database
  }
}

/** Runs `use` with a connection that is closed afterwards, whatever happens. */
export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

async function dropDatabase(admin: Client, name: string, leakWaitMs: number): Promise<void> {
  const leaks = await openConnections(admin, name, leakWaitMs)
  await admin.query(`drop database if exists ${name} with (force)`)
  if (leaks.length > 0) throw new Error(`${leaks.length} connections were left open: ${leaks.join(', ')}`)
}

/** A backend outlives its client by a moment, so this looks several times before it calls one leaked. */
async function openConnections(admin: Client, name: string, waitMs: number): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += LEAK_CHECK_MS) {
    const { rows } = await admin.query<{ backend: string }>(
      `select usename || ' ' || application_name as backend from pg_stat_activity
       where datname = $1 and backend_type = 'client backend'`,
      [name],
    )
    if (rows.length === 0 || waitedMs >= waitMs) return rows.map(({ backend }) => backend)
    await new Promise((resolve) => setTimeout(resolve, LEAK_CHECK_MS))
  }
}
