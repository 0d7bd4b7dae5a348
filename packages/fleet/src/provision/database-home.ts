// A home that is a database: from a template that is kept for the tables of today, or from nothing. CREATE DATABASE runs in no
// transaction and drops what the template refused to PUBLIC; so what can be half done is done again, and every install of a
// database ends in the same hardening.
import type { ClientBase } from 'pg'
import { DatabaseError, escapeIdentifier } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { ensureIdentity, hardenDatabase, install } from '@rowhouse/database'

import { readCluster } from './clusters/cluster.ts'
import type { Cluster } from './clusters/cluster.ts'
import { MAINTENANCE_DATABASE } from './clusters/servers.ts'
import type { FleetContext } from './context.ts'
import { organizationOf } from './home.ts'
import type { Home } from './home.ts'
import { dropLogin, ensureLogin } from './login.ts'
import { setSearchPath } from './schema-home.ts'
import { useTemplate } from './template.ts'

/** Somebody is connected to the template; or another release has just dropped it as old. */
const TEMPLATE_BUSY = new Set(['55006', '3D000'])
const DUPLICATE_DATABASE = '42P04'
const ATTEMPTS_MAX = 5

/** Makes what is missing of login and database, and gives the database an identity and keys of its own. */
export async function makeDatabaseHome(fleet: FleetContext, home: Home): Promise<void> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  const database = home.databaseName as string
  await fleet.servers.asAdmin(cluster, MAINTENANCE_DATABASE, async (client) => {
    await client.query('begin')
    await client.query('select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [home.login])
    await ensureLogin(client, home.login, fleet.signingKey)
    await client.query('commit')
    await fleet.beforeStep(home, 'database')
    // A server of its own brought its database.
    if (cluster.parent === null) await createDatabase(fleet, cluster, client, database)
  })
  await fleet.beforeStep(home, 'identity')
  await fleet.servers.asAdmin(
    cluster,
    database,
    async (client) => {
      const { rows } = await client.query<{ installed: boolean; superuser: boolean }>(
        `select pg_catalog.to_regclass('rowhouse.migrations') is not null as installed,
                (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser`,
      )
      const { installed, superuser } = rows[0] as { installed: boolean; superuser: boolean }
      if (!installed) await installInto(fleet, cluster, database)
      await client.query('begin')
      await client.query('set local search_path = pg_catalog, pg_temp')
      await client.query('select rowhouse.register_home($1, $2, $3)', [
        home.schemaName,
        home.login,
        organizationOf(home),
      ])
      await ensureIdentity(client, { signingKey: fleet.signingKey, dropOtherKeys: false })
      await hardenDatabase(client, superuser)
      await setSearchPath(client, home)
      await client.query('commit')
    },
    { keep: false },
  )
}

async function installInto(fleet: FleetContext, cluster: Cluster, database: string): Promise<void> {
  const { connectionString: adminUrl, ssl } = await fleet.servers.adminConfig(cluster, database)
  await install({ adminUrl, signingKey: fleet.signingKey, ssl })
}

async function createDatabase(
  fleet: FleetContext,
  cluster: Cluster,
  client: ClientBase,
  database: string,
): Promise<void> {
  const name = escapeIdentifier(database)
  const { rowCount } = await client.query('select from pg_catalog.pg_database where datname = $1', [database])
  if (rowCount === 0) {
    for (let attempt = 1; ; attempt += 1) {
      const template = await useTemplate(fleet, cluster, client)
      try {
        await client.query(`create database ${name} template ${escapeIdentifier(template)} allow_connections false`)
        break
      } catch (error) {
        const code = error instanceof DatabaseError ? error.code : undefined
        if (code === DUPLICATE_DATABASE) break
        if (!TEMPLATE_BUSY.has(code ?? '') || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }
  // PUBLIC may connect to what CREATE DATABASE makes, and a session that has come stays whatever is revoked: so nobody can,
  // until nobody else may.
  await client.query(`revoke all on database ${name} from public`)
  await client.query(`alter database ${name} allow_connections true`)
}

/** Drops database and login, whatever there is of them. */
export async function dropDatabaseHome(fleet: FleetContext, home: Home): Promise<void> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  if (cluster.parent !== null) {
    throw new RowhouseError('internal', `The server of the home ${home.id} is dropped by its driver.`)
  }
  await fleet.servers.asAdmin(cluster, MAINTENANCE_DATABASE, async (client) => {
    await client.query(`drop database if exists ${escapeIdentifier(home.databaseName as string)} with (force)`)
    await dropLogin(client, home.login)
  })
}
