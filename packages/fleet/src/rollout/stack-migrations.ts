// The tables that the development stack brings: tenant migrations like any other, except that no folder has them. They come
// before every migration that people write, so that whatever a folder says, a home has the demo's tables first, as the tables
// that organizations share do. docs/migrations.md says what follows from it.
import { RowhouseError } from '@rowhouse/contracts'

import { applyTenantMigrations } from './apply/apply-tenant-migrations.ts'
import { openSession } from './apply/session.ts'
import { homeConnection, nameOfHome, readHomes } from './ledger/homes.ts'
import { prepareMigration } from './migration/prepare.ts'
import type { TenantMigration } from './migration/prepare.ts'
import type { MigrationFile } from './migration/read-folder.ts'

/** Migrations that people write have a version of their own time. */
const VERSION_MAX = '18999999999999'

export interface StackMigrationsOptions {
  /** rowhouse_migrator's URL of the catalogue, a direct connection. */
  readonly catalogueUrl: string
  readonly files: readonly MigrationFile[]
  /** Told of a home that could not be reached; the next call tries it again. */
  readonly onUnreachable: (home: string, error: unknown) => void
}

/**
 * Writes them into the ledger, and brings every home to them that lacks some; a home that is made later gets them first.
 * Safe to run again, and at every start.
 *
 * @throws RowhouseError tenant_migration_changed, migration_failed for the tables that organizations share
 */
export async function bringStackMigrations({
  catalogueUrl,
  files,
  onUnreachable,
}: StackMigrationsOptions): Promise<void> {
  const migrations: TenantMigration[] = []
  for (const file of files) {
    if (file.version > VERSION_MAX) {
      throw new RowhouseError('migration_invalid', `${file.version} is a version for migrations that people write.`)
    }
    migrations.push(await prepareMigration(file))
  }
  const last = migrations.at(-1)?.version
  if (last === undefined) return
  const catalogue = await openSession({ connectionString: catalogueUrl }, 'rowhouse dev')
  try {
    await catalogue.query(
      `insert into rowhouse.tenant_migrations (version, name, checksum, sql, origin, released_at)
       select g.version, g.name, g.checksum, g.sql, 'stack', now()
       from jsonb_to_recordset($1::jsonb) as g (version text, name text, checksum text, sql text)
       on conflict (version) do nothing`,
      [JSON.stringify(migrations.map(({ version, name, checksum, sql }) => ({ version, name, checksum, sql })))],
    )
    for (const home of await readHomes(catalogue)) {
      try {
        const client = await openSession(homeConnection(catalogueUrl, home), 'rowhouse dev')
        try {
          await applyTenantMigrations(client, home, migrations)
        } finally {
          await client.end().catch(() => undefined)
        }
      } catch (error) {
        if (home.isolation === 'shared' && home.databaseName === null) throw error
        onUnreachable(nameOfHome(home), error)
        continue
      }
      await catalogue.query(
        'update rowhouse.homes set version = $2::bigint, updated_at = now() where id = $1 and coalesce(version, 0) < $2::bigint',
        [home.id, last],
      )
    }
  } finally {
    await catalogue.end().catch(() => undefined)
  }
}
