// A fleet over a test database, with tables that a tenant migration would make, and nothing left on the server afterwards.
import { randomUUID } from 'node:crypto'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestDatabase } from '@rowhouse/testkit'
import { afterAll, beforeAll } from 'vitest'

import type { FleetEvent } from './context.ts'
import { openFleet } from './open-fleet.ts'
import type { Fleet, FleetOptions } from './open-fleet.ts'
import { testEncryptionKey, testMigrations } from './test-migrations.ts'

export interface TestFleet {
  readonly database: TestDatabase
  readonly fleet: Fleet
  readonly events: readonly FleetEvent[]
  /** A plan for one model, made once. */
  readonly plan: (
    isolation: 'shared' | 'schema' | 'database',
    changes?: Readonly<Record<string, unknown>>,
  ) => Promise<string>
  /** Another fleet over the same catalogue, closed with the file. */
  readonly open: (options?: Partial<FleetOptions>) => Fleet
  readonly admin: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>
  /** What there is on the server that looks like a home, without a row in rowhouse.homes; and rows without it. */
  readonly leftovers: () => Promise<string[]>
}

export function useFleet(options: Partial<FleetOptions> = {}): () => TestFleet {
  const database = useTestDatabase()
  const opened: Fleet[] = []
  const events: FleetEvent[] = []
  let fleet: Fleet
  const open = (changes: Partial<FleetOptions> = {}): Fleet => {
    const made = openFleet({
      catalogueUrl: database().adminUrl,
      signingKey: database().signingKey,
      encryptionKey: testEncryptionKey,
      migrations: testMigrations(),
      observe: (event) => events.push(event),
      ...options,
      ...changes,
    })
    opened.push(made)
    return made
  }
  const admin = (text: string, values: unknown[] = []) =>
    withClient(database().adminUrl, async (client) => (await client.query<Record<string, unknown>>(text, values)).rows)
  beforeAll(() => {
    fleet = open()
  })
  afterAll(async () => {
    for (const each of opened) await each.close()
    await dropHomes(database())
  })
  return () => ({
    database: database(),
    fleet,
    events,
    open,
    admin,
    plan: async (isolation, changes = {}) => {
      const id = `${isolation}-${randomUUID().slice(0, 8)}`
      const columns = Object.keys(changes)
      await admin(
        `insert into rowhouse.plans (id, name, isolation${columns.map((column) => `, ${column}`).join('')})
         values ($1, $1, $2${columns.map((_column, position) => `, $${position + 3}`).join('')})`,
        [id, isolation, ...Object.values(changes)],
      )
      return id
    },
    leftovers: async () => {
      const rows = await admin(
        `with there (name) as (
           select 'schema ' || nspname from pg_namespace where nspname ~ '^h_[0-9a-f]{16}$'
           union select 'registered ' || name from rowhouse.tenant_schemas where name ~ '^h_[0-9a-f]{16}$'
         ), wanted (name) as (
           select 'schema ' || h.schema_name from rowhouse.homes h where h.isolation = 'schema' and h.database_name is null
           union select 'registered ' || h.schema_name from rowhouse.homes h where h.isolation = 'schema' and h.database_name is null
         )
         (select name || ' is nobody''s' as what from there except select name || ' is nobody''s' from wanted)
         union all
         (select name || ' is missing' from wanted except select name || ' is missing' from there)
         union all
         select 'database ' || h.database_name || ' is missing' from rowhouse.homes h
         where h.isolation = 'database' and not exists (select from pg_database d where d.datname = h.database_name)
         union all
         select 'login ' || h.login || ' is missing' from rowhouse.homes h
         where h.login is not null and not exists (select from pg_roles r where r.rolname = h.login)
         order by 1`,
      )
      return rows.map(({ what }) => String(what))
    },
  })
}

/** Homes outlive the test database: their databases and logins are the server's. */
async function dropHomes(database: TestDatabase): Promise<void> {
  await withClient(database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ login: string; database_name: string | null; isolation: string }>(
      `select h.login, h.database_name, h.isolation from rowhouse.homes h where h.login is not null`,
    )
    for (const { login, database_name: name, isolation } of rows) {
      if (isolation === 'database') await admin.query(`drop database if exists ${name} with (force)`)
      await admin.query(
        `do $$ begin
           if exists (select from pg_roles where rolname = '${login}') then
             execute 'drop owned by ${login} cascade'; execute 'drop role ${login}';
           end if;
         end $$`,
      )
    }
  })
}
