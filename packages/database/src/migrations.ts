// The schema as an ordered list of files, and the one place that applies them. An applied file is never edited.
import type { ClientBase } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { migrationFiles } from './generated/migrations.ts'
import { createMigrationsTable } from './generated/queries.ts'

export interface Migration {
  readonly version: number
  readonly name: string
  /** SHA-256 of the file, hex. */
  readonly checksum: string
  readonly sql: string
}

export const migrations: readonly Migration[] = migrationFiles

/** The version of the schema this code expects. */
export const schemaVersion: number = migrations.at(-1)?.version ?? 0

interface AppliedMigration {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

/** What is still to apply. @throws RowhouseError schema_newer, migration_changed */
export function pendingMigrations(applied: readonly AppliedMigration[], known = migrations): Migration[] {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]))
  const newest = known.at(-1)?.version ?? 0
  for (const { version, name, checksum } of applied) {
    const migration = byVersion.get(version)
    if (version > newest) {
      throw new RowhouseError('schema_newer', `The schema is at version ${version}, this program knows ${newest}.`, {
        details: { schemaVersion: version, knownVersion: newest },
      })
    }
    if (migration === undefined || migration.checksum !== checksum) {
      throw new RowhouseError('migration_changed', `Migration ${version} (${name}) has another content now.`, {
        details: { version, name },
      })
    }
  }
  const done = new Set(applied.map(({ version }) => version))
  return known.filter(({ version }) => !done.has(version))
}

/** Applies what is pending. The caller holds the transaction and the lock, and is rowhouse_owner. */
export async function migrate(client: ClientBase, known = migrations): Promise<Migration[]> {
  await client.query(createMigrationsTable)
  const { rows } = await client.query<AppliedMigration>('select version, name, checksum from rowhouse.migrations')
  const pending = pendingMigrations(rows, known)
  for (const { version, name, checksum, sql } of pending) {
    await client.query(sql)
    await client.query('insert into rowhouse.migrations (version, name, checksum) values ($1, $2, $3)', [
      version,
      name,
      checksum,
    ])
  }
  return pending
}
