// Organizations in homes that the fleet made, two or one, as it makes them in life, beside the shared tables that others use.
import { randomUUID } from 'node:crypto'
import { openFleet } from '@rowhouse/fleet'
import type { HomeMigrations } from '@rowhouse/fleet'
import { createTestDatabase, createTwoWorlds, withClient } from '@rowhouse/testkit'
import type { TestDatabase } from '@rowhouse/testkit'

export interface FleetHome {
  readonly organizationId: string
  readonly schema: string
  readonly login: string
  readonly database: string
  /** An administrator's, of the database that the home is in. */
  readonly url: string
}

export interface FleetHomes {
  readonly catalogue: TestDatabase
  /** As many as there are names. */
  readonly homes: readonly [FleetHome, FleetHome]
  drop(): Promise<void>
}

const VERSION = '20260101000000'
const TABLES = `
  create table companies (id uuid primary key default gen_random_uuid(), name text not null, domain text unique);
  create table contacts (id uuid primary key default gen_random_uuid(), company_id uuid references companies, email text, phone text);
  select rowhouse.protect('companies');
  select rowhouse.protect('contacts');
  create view names with (security_invoker = true) as select id, name from companies;
  grant select on names to rowhouse_app, authenticated;
  create function shout(word text) returns text language sql immutable return upper(word);`

const migrations: HomeMigrations = {
  version: () => Promise.resolve(VERSION),
  fingerprint: () => Promise.resolve('homes to attack'),
  async apply(client, { schemaName }) {
    await client.query('begin')
    await client.query("select pg_catalog.set_config('search_path', $1, true)", [schemaName])
    const { rows } = await client.query<{ there: boolean }>("select to_regclass('contacts') is not null as there")
    if (rows[0]?.there !== true) await client.query(TABLES)
    await client.query('commit')
    return VERSION
  },
}

export async function makeFleetHomes(
  isolation: 'schema' | 'database',
  names: readonly string[] = ['alder', 'birch'],
): Promise<FleetHomes> {
  const catalogue = await createTestDatabase()
  const { adminUrl, signingKey } = catalogue
  await createTwoWorlds(catalogue)
  const fleet = openFleet({ catalogueUrl: adminUrl, signingKey, migrations })
  try {
    await withClient(adminUrl, (admin) =>
      admin.query(`insert into rowhouse.plans (id, name, isolation) values ('own', 'Own', $1)`, [isolation]),
    )
    for (const name of names) await fleet.createOrganization({ name, slug: name, ownerId: randomUUID(), plan: 'own' })
  } finally {
    await fleet.close()
  }
  const homes = await withClient(adminUrl, async (admin) => {
    const { rows } = await admin.query<Omit<FleetHome, 'url'>>(
      `select h.organization_id as "organizationId", h.schema_name::text as schema, h.login::text as login,
         coalesce(h.database_name::text, current_database()) as database
       from rowhouse.homes h where h.isolation = $1 and h.state = 'assigned' order by h.database_name, h.schema_name`,
      [isolation],
    )
    return rows.map((home): FleetHome => ({
      ...home,
      url: Object.assign(new URL(adminUrl), { pathname: `/${home.database}` }).href,
    }))
  })
  return {
    catalogue,
    homes: homes as unknown as [FleetHome, FleetHome],
    drop: async () => {
      // Logins and databases are the server's, which other tests use too.
      await withClient(adminUrl, async (admin) => {
        for (const { login, database } of homes) {
          if (isolation === 'database') await admin.query(`drop database if exists ${database} with (force)`)
          await admin.query(`drop owned by ${login} cascade; drop role ${login}`)
        }
      })
      await catalogue.drop()
    },
  }
}
