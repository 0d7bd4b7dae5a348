// The migrations of the folder against those of the ledger. What a home has may not change afterwards, vanish, or get
// something put before it: homes are compared by their last version alone.
import { RowhouseError } from '@rowhouse/contracts'
import type { ClientBase } from 'pg'
import { prepareMigration } from '../migration/prepare.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import { fileNameOf, migrationFile } from '../migration/read-folder.ts'
import type { MigrationFile } from '../migration/read-folder.ts'

export interface LedgerRow {
  readonly version: string
  readonly name: string
  readonly checksum: string
}

/** What the ledger holds, and the last version that some home has. */
export interface LedgerState {
  readonly rows: readonly LedgerRow[]
  readonly newestApplied: string | null
}

export async function readLedger(catalogue: ClientBase): Promise<LedgerState> {
  const { rows } = await catalogue.query<LedgerRow>(
    'select version, name, checksum from rowhouse.tenant_migrations order by version',
  )
  const { rows: applied } = await catalogue.query<{ version: string | null }>(
    'select max(version)::text as version from rowhouse.homes',
  )
  return { rows, newestApplied: applied[0]?.version ?? null }
}

/**
 * Whether the folder continues the ledger.
 *
 * @throws RowhouseError tenant_migration_changed, tenant_migration_missing, migration_out_of_order
 */
export function compareWithLedger(files: readonly MigrationFile[], { rows, newestApplied }: LedgerState): void {
  const applied = newestApplied === null ? [] : rows.filter(({ version }) => version <= newestApplied)
  const byVersion = new Map(files.map((file) => [file.version, file]))
  for (const row of applied) {
    const file = byVersion.get(row.version)
    const details = { version: row.version, name: row.name }
    if (file === undefined) {
      throw new RowhouseError(
        'tenant_migration_missing',
        `${fileNameOf(row)} is applied, and no longer in the folder.`,
        {
          details,
        },
      )
    }
    if (file.checksum !== row.checksum) {
      throw new RowhouseError('tenant_migration_changed', `${fileNameOf(file)} has changed since homes have it.`, {
        details,
      })
    }
  }
  const known = new Set(applied.map(({ version }) => version))
  const late = files.find(({ version }) => newestApplied !== null && version <= newestApplied && !known.has(version))
  if (late !== undefined) {
    throw new RowhouseError(
      'migration_out_of_order',
      `${fileNameOf(late)} comes before ${newestApplied}, which homes have already.`,
      { details: { version: late.version, newestApplied } },
    )
  }
}

/** Writes the folder into the ledger; rows that no home has and no file either are taken out. In one transaction. */
export async function recordMigrations(catalogue: ClientBase, migrations: readonly TenantMigration[]): Promise<void> {
  await catalogue.query(
    `with given as (
       select * from jsonb_to_recordset($1::jsonb) as g (version text, name text, checksum text, sql text, overrides jsonb)
     ), gone as (
       delete from rowhouse.tenant_migrations m where not exists (select from given g where g.version = m.version)
     )
     insert into rowhouse.tenant_migrations as m (version, name, checksum, sql, overrides)
     select g.version, g.name, g.checksum, g.sql, g.overrides from given g
     on conflict (version) do update
     set name = excluded.name, checksum = excluded.checksum, sql = excluded.sql, overrides = excluded.overrides,
       recorded_by = session_user, recorded_at = now(), released_at = null
     where m.checksum <> excluded.checksum or m.name <> excluded.name`,
    [
      JSON.stringify(
        migrations.map(({ version, name, checksum, sql, overrides }) => ({ version, name, checksum, sql, overrides })),
      ),
    ],
  )
}

/**
 * What the development stack brought: migrations that come before every folder's and are in none. Nowhere else there are any.
 */
export async function readStackMigrations(catalogue: Pick<ClientBase, 'query'>): Promise<TenantMigration[]> {
  return prepareRows(catalogue, `origin = 'stack'`)
}

/**
 * The migrations that every new home gets: those that a rollout's first wave has, and that were found good. Read it again
 * before a home is handed out, since a rollout may have ended meanwhile.
 */
export async function readReleasedMigrations(catalogue: Pick<ClientBase, 'query'>): Promise<TenantMigration[]> {
  return prepareRows(catalogue, 'released_at is not null')
}

async function prepareRows(catalogue: Pick<ClientBase, 'query'>, condition: string): Promise<TenantMigration[]> {
  const { rows } = await catalogue.query<{ version: string; name: string; sql: string }>(
    `select version, name, sql from rowhouse.tenant_migrations where ${condition} order by version`,
  )
  const migrations: TenantMigration[] = []
  for (const { version, name, sql } of rows) migrations.push(await prepareMigration(migrationFile(version, name, sql)))
  return migrations
}
