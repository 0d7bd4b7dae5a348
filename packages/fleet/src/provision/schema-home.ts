// A home that is a schema, beside others in one database. The schema, its login and their bond are one transaction, so a run
// that dies leaves all of it or nothing.
import type { ClientBase } from 'pg'
import { escapeIdentifier, escapeLiteral } from 'pg'

import { readCluster } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import { organizationOf } from './home.ts'
import type { Home } from './home.ts'
import { dropLogin, ensureLogin, joinTenants, lockLogin } from './login.ts'

/** Makes what is missing of login and schema. */
export async function makeSchemaHome(fleet: FleetContext, home: Home): Promise<void> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  await fleet.servers.asAdmin(cluster, home.databaseName, async (client) => {
    await client.query('begin')
    // One run at a time for a home, also where a lease has ended under a run that is slow.
    await client.query(`select pg_catalog.pg_advisory_xact_lock(rowhouse.turn_key('home ' || $1))`, [home.login])
    await ensureLogin(client, home.login, fleet.signingKey)
    await joinTenants(client, home.login)
    await client.query(`create schema if not exists ${escapeIdentifier(home.schemaName)} authorization rowhouse_owner`)
    await client.query('select rowhouse.register_home($1, $2, $3)', [home.schemaName, home.login, organizationOf(home)])
    await setSearchPath(client, home)
    await client.query('commit')
  })
}

/** What the login names without a schema is looked for in its home and nowhere else. */
export async function setSearchPath(client: ClientBase, { login, schemaName }: Home): Promise<void> {
  const { rows } = await client.query<{ database: string }>('select current_database() as database')
  const database = escapeIdentifier((rows[0] as { database: string }).database)
  await client.query(
    `alter role ${escapeIdentifier(login)} in database ${database}
     set search_path = ${escapeLiteral(schemaName)}, pg_temp`,
  )
}

/** Runs the tenant migrations that the home lacks, and settles what they gave to whom. Says at which version it is then. */
export async function migrateHome(fleet: FleetContext, home: Home): Promise<string | null> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  const keep = home.isolation === 'schema'
  return fleet.servers.asMigrator(
    cluster,
    home.databaseName,
    async (client) => {
      const version = await fleet.migrations.apply(client, { schemaName: home.schemaName })
      await client.query('select from rowhouse.settle_home($1)', [home.schemaName])
      return version
    },
    { keep },
  )
}

/** Drops schema and login, whatever there is of them. */
export async function dropSchemaHome(fleet: FleetContext, home: Home): Promise<void> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  await fleet.servers.asAdmin(cluster, home.databaseName, async (client) => {
    // A login with a session cannot be dropped.
    await lockLogin(client, home.login)
    await client.query('begin')
    await client.query('select rowhouse.forget_home($1)', [home.schemaName])
    await dropLogin(client, home.login)
    await client.query('commit')
  })
}
