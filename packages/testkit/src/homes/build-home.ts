// Homes of organizations in tests, made by the fleet as it makes them in earnest: recorded, with a login, the released tenant
// migrations, verified, assigned. What tests need beyond that is where they are and how to get there past the runtime.
import { loginUrl } from '@rowhouse/database'
import type { HomeLogin } from '@rowhouse/database'
import { openFleet } from '@rowhouse/fleet'
import type { Fleet } from '@rowhouse/fleet'

import { withClient } from '../test-database.ts'
import type { TestDatabase } from '../test-database.ts'
import { worldTables } from '../two-worlds.ts'

export interface Home {
  readonly id: string
  readonly isolation: 'schema' | 'database'
  readonly login: HomeLogin
  readonly schemaName: string
  /** Null: the catalogue's. */
  readonly databaseName: string | null
  /** Of the database that the home is in; tokens are made for it. */
  readonly databaseId: string
  readonly adminUrl: string
  readonly controlUrl: string
  /** As the home's login. */
  readonly url: string
}

/** Makes homes of one model in a test database; `tables` are made in each, beside those of the two worlds. */
export interface Builder {
  /** An organization in a home of its own. */
  build(organization: { readonly name: string; readonly slug: string; readonly ownerId: string }): Promise<{
    readonly organizationId: string
    readonly home: Home
  }>
  readonly fleet: Fleet
}

export const testEncryptionKey = 'encryption-key-of-the-tests-0123456789'

export async function openBuilder(
  database: TestDatabase,
  isolation: 'schema' | 'database',
  tables: string,
): Promise<Builder> {
  const plan = `${isolation}-of-its-own`
  await withClient(database.adminUrl, async (admin) => {
    await admin.query('insert into rowhouse.plans (id, name, isolation) values ($1, $1, $2)', [plan, isolation])
    // Released, as after a rollout's first wave: what every new home gets.
    await admin.query(
      `insert into rowhouse.tenant_migrations (version, name, checksum, sql, released_at)
       values ('20260101000000', 'tables', encode(sha256(convert_to($1, 'UTF8')), 'hex'), $1, now())`,
      [worldTables + tables],
    )
  })
  const { adminUrl: catalogueUrl, signingKey } = database
  const fleet = openFleet({ catalogueUrl, signingKey, encryptionKey: testEncryptionKey })
  return {
    fleet,
    build: async (organization) => {
      const organizationId = await fleet.createOrganization({ ...organization, plan })
      return { organizationId, home: await findHome(database, organizationId) }
    },
  }
}

async function findHome(database: TestDatabase, organizationId: string): Promise<Home> {
  const { signingKey } = database
  const row = await withClient(database.adminUrl, async (admin) => {
    const { rows } = await admin.query<Pick<Home, 'id' | 'isolation' | 'login' | 'schemaName' | 'databaseName'>>(
      `select id, isolation, login, schema_name as "schemaName", database_name as "databaseName"
       from rowhouse.homes where organization_id = $1 and state = 'assigned'`,
      [organizationId],
    )
    return rows[0]
  })
  if (row === undefined) throw new Error('The organization has no home of its own.')
  const url = new URL(database.adminUrl)
  if (row.databaseName !== null) url.pathname = `/${row.databaseName}`
  const databaseId = await withClient(url.href, async (admin) => {
    const { rows } = await admin.query<{ id: string }>('select id from rowhouse.database')
    return (rows[0] as { id: string }).id
  })
  return {
    ...row,
    databaseId,
    adminUrl: url.href,
    controlUrl: loginUrl(url.href, 'rowhouse_control', signingKey),
    url: loginUrl(url.href, row.login, signingKey),
  }
}

/** Whatever a test has made of its rows: databases and logins are the server's, and outlive the test database. */
export async function dropHome(database: TestDatabase, { login, databaseName, schemaName }: Home): Promise<void> {
  await withClient(database.adminUrl, async (admin) => {
    if (databaseName === null) await admin.query(`drop schema ${schemaName} cascade`)
    else await admin.query(`drop database if exists ${databaseName} with (force)`)
    await admin.query(`drop owned by ${login} cascade`)
    await admin.query(`drop role ${login}`)
  })
}
