// The template of database homes: Rowhouse's schema and the tenant tables of today, so that a new database is a copy of files
// and not a run of every migration. One for each state of both; a new state gets a new one, and the old goes when nobody
// copies from it. It is built under another name and renamed when it is whole, so half a template is never used.
import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'
import { escapeIdentifier } from 'pg'

import { install, migrations as schemaMigrations } from '@rowhouse/database'

import type { Cluster } from './clusters/cluster.ts'
import { MAINTENANCE_DATABASE } from './clusters/servers.ts'
import type { FleetContext } from './context.ts'

const PREFIX = 'rowhouse_t_'
const DIGITS = 16
/** One builder at a time on a server; the lock ends with the session that holds it. */
const BUILD_LOCK = 7_264_822_810
/** A build takes seconds. In the maintenance database any login of the server may hold the lock. */
const BUILD_WAIT = '60s'

/** The name says what is in it: other contents, another name. */
export async function templateName({ migrations }: FleetContext): Promise<string> {
  const contents = [...schemaMigrations.map(({ checksum }) => checksum), await migrations.fingerprint()]
  return PREFIX + createHash('sha256').update(contents.join('\n')).digest('hex').slice(0, DIGITS)
}

const exists = async (client: ClientBase, name: string): Promise<boolean> => {
  const { rowCount } = await client.query('select from pg_catalog.pg_database where datname = $1', [name])
  return rowCount === 1
}

/**
 * The name of the template to copy from; built when it is missing, which takes seconds, once for each release.
 *
 * @param client the administrator's, in the maintenance database
 */
export async function useTemplate(fleet: FleetContext, cluster: Cluster, client: ClientBase): Promise<string> {
  const name = await templateName(fleet)
  if (await exists(client, name)) return name
  await client.query(`set lock_timeout = '${BUILD_WAIT}'`)
  await client.query('select pg_catalog.pg_advisory_lock($1)', [BUILD_LOCK])
  await client.query('reset lock_timeout')
  try {
    if (!(await exists(client, name))) await buildTemplate(fleet, cluster, client, name)
  } finally {
    await client.query('select pg_catalog.pg_advisory_unlock($1)', [BUILD_LOCK])
  }
  return name
}

async function buildTemplate(fleet: FleetContext, cluster: Cluster, client: ClientBase, name: string): Promise<void> {
  const draft = `${name}_draft`
  await client.query(`drop database if exists ${escapeIdentifier(draft)} with (force)`)
  await client.query(`create database ${escapeIdentifier(draft)} template template0 allow_connections false`)
  await client.query(`revoke all on database ${escapeIdentifier(draft)} from public`)
  await client.query(`alter database ${escapeIdentifier(draft)} allow_connections true`)
  const { connectionString: adminUrl, ssl } = await fleet.servers.adminConfig(cluster, draft)
  await install({ adminUrl, signingKey: fleet.signingKey, ssl })
  await fleet.servers.asMigrator(
    cluster,
    draft,
    (migrator) => fleet.migrations.apply(migrator, { schemaName: 'public' }),
    {
      keep: false,
    },
  )
  await fleet.servers.asAdmin(
    cluster,
    draft,
    // A copy gets an identity and keys of its own. That the template has none says so.
    async (admin) => {
      await admin.query('delete from rowhouse.keys')
      await admin.query('delete from rowhouse.database')
    },
    { keep: false },
  )
  await client.query(`alter database ${escapeIdentifier(draft)} with is_template true allow_connections false`)
  await client.query(`alter database ${escapeIdentifier(draft)} rename to ${escapeIdentifier(name)}`)
}

/** Two releases may run at a time while one follows the other; each keeps its own. */
const OTHERS_KEPT = 1

/** Drops templates of states that are past, and drafts of runs that died. Says which. */
export async function dropOldTemplates(fleet: FleetContext, cluster: Cluster): Promise<string[]> {
  const current = await templateName(fleet)
  return fleet.servers.asAdmin(cluster, MAINTENANCE_DATABASE, async (client) => {
    const locked = await client.query<{ locked: boolean }>('select pg_catalog.pg_try_advisory_lock($1) as locked', [
      BUILD_LOCK,
    ])
    if (locked.rows[0]?.locked !== true) return []
    try {
      const { rows } = await client.query<{ name: string }>(
        `select datname as name from pg_catalog.pg_database
         where datname ~ $1 and datname <> $2 and pg_catalog.pg_has_role(datdba, 'USAGE')
         -- What was made last has the largest number; a draft cannot be under way, because this session has the lock.
         order by datname like '%\\_draft', oid desc
         offset $3`,
        [`^${PREFIX}[0-9a-f]{${DIGITS}}(_draft)?$`, current, OTHERS_KEPT],
      )
      for (const { name } of rows) {
        await client.query(`alter database ${escapeIdentifier(name)} with is_template false`)
        await client.query(`drop database if exists ${escapeIdentifier(name)} with (force)`)
      }
      return rows.map(({ name }) => name)
    } finally {
      await client.query('select pg_catalog.pg_advisory_unlock($1)', [BUILD_LOCK])
    }
  })
}
