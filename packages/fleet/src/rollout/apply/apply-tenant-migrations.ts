// What provisioning calls: a new home gets every migration that is released, in one transaction. Nobody uses it yet, so
// CONCURRENTLY is left out.
import { createHash } from 'node:crypto'
import { RowhouseError } from '@rowhouse/contracts'
import { errorCodeOf } from '@rowhouse/database'
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'
import { readReleasedMigrations } from '../ledger/record-migrations.ts'
import type { Statement, TenantMigration } from '../migration/prepare.ts'
import { fileNameOf } from '../migration/read-folder.ts'
import { noteOf, searchPathOf } from './home-text.ts'
import { AFTER_STATEMENT, MESSAGE_BYTES_MAX } from './apply-together.ts'
import { beginHomes, beginText } from './session.ts'

const LIMITS = { lockTimeoutMs: 10_000, statementTimeoutMs: 60_000 } as const

/**
 * Applies what the home lacks, in a transaction of its own, and gives the version that it then has. Safe to run again.
 *
 * @param client rowhouse_migrator's, outside of a transaction; its search_path stays as it is
 * @returns the last version, or null where there is no migration
 * @throws RowhouseError migration_failed naming file and line, tenant_table_unprotected, tenant_function_open,
 * tenant_migration_changed
 * @example
 * const migrations = await readReleasedMigrations(catalogue)
 * const version = await applyTenantMigrations(client, { schemaName: 'h_0123456789abcdef' }, migrations)
 */
export async function applyTenantMigrations(
  client: ClientBase,
  home: { readonly schemaName: string },
  migrations: readonly TenantMigration[],
): Promise<string | null> {
  // In one message: a hundred statements, each sent when the one before was answered, wait for as long as they run.
  const inOne = await apply(client, home, migrations, (pending) => sendTogether(client, pending)).catch(
    (error: unknown) => {
      if (error instanceof DatabaseError && !/^(08|57P)/.test(error.code ?? '')) return undefined
      throw error
    },
  )
  if (inOne !== undefined) return inOne
  // Nothing has happened; one by one says which it was.
  let at: { migration: TenantMigration; statement: Statement | null } | null = null
  try {
    return await apply(client, home, migrations, async (pending) => {
      for (const migration of pending) {
        for (const statement of migration.statements) {
          at = { migration, statement }
          if (statement.textInside !== null) await client.query(statement.textInside)
        }
        at = { migration, statement: null }
      }
    })
  } catch (error) {
    throw named(error, home, at)
  }
}

async function apply(
  client: ClientBase,
  { schemaName }: { readonly schemaName: string },
  migrations: readonly TenantMigration[],
  send: (pending: readonly TenantMigration[]) => Promise<unknown>,
): Promise<string | null> {
  await client.query(beginText(LIMITS))
  try {
    const applied = new Map((await beginHomes(client, [schemaName], null)).map((row) => [row.version, row.checksum]))
    const changed = migrations.find(({ version, checksum }) => (applied.get(version) ?? checksum) !== checksum)
    if (changed !== undefined) {
      throw new RowhouseError('tenant_migration_changed', `${schemaName} has another text of ${fileNameOf(changed)}.`)
    }
    const pending = migrations.filter(({ version }) => !applied.has(version))
    if (pending.length > 0) {
      await client.query(`set local search_path = ${searchPathOf(schemaName)}`)
      await send(pending)
      await client.query('set local search_path = pg_catalog, pg_temp')
      await client.query('select rowhouse.end_tenant_migrations($1, $2)', [
        [schemaName],
        JSON.stringify(pending.map(noteOf)),
      ])
    }
    await client.query('commit')
    return migrations.at(-1)?.version ?? null
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/** As many as fit a message. */
async function sendTogether(client: ClientBase, pending: readonly TenantMigration[]): Promise<void> {
  let message: string[] = []
  let bytes = 0
  const texts = pending.flatMap(({ statements }) => statements.flatMap(({ textInside }) => textInside ?? []))
  for (const text of texts) {
    message.push(text)
    bytes += Buffer.byteLength(text)
    if (bytes < MESSAGE_BYTES_MAX) continue
    await client.query(message.join(AFTER_STATEMENT))
    message = []
    bytes = 0
  }
  if (message.length > 0) await client.query(message.join(AFTER_STATEMENT))
}

function named(
  error: unknown,
  { schemaName }: { readonly schemaName: string },
  at: { readonly migration: TenantMigration; readonly statement: Statement | null } | null,
): unknown {
  if (!(error instanceof DatabaseError) || at === null) return error
  const { migration, statement } = at
  const where = `${fileNameOf(migration)}${statement === null ? '' : `:${statement.line}`}`
  return new RowhouseError(
    errorCodeOf(error.code) ?? 'migration_failed',
    `${where} in ${schemaName}: ${error.message}`,
    {
      cause: error,
      details: { schemaName, version: migration.version, line: statement?.line ?? null },
    },
  )
}

/** How provisioning migrates new homes, over a connection to the catalogue as rowhouse_migrator or rowhouse_control. */
export interface HomeMigrations {
  /** The version that a new home shall have; null where there is no migration. */
  version(): Promise<string | null>
  /** Another for each list of migrations: what a template of a home was made from. */
  fingerprint(): Promise<string>
  /** Brings a home there; gives its version. @throws as applyTenantMigrations() */
  apply(client: ClientBase, home: { readonly schemaName: string }): Promise<string | null>
}

export function homeMigrations(catalogue: Pick<ClientBase, 'query'>): HomeMigrations {
  let known: { readonly key: string; readonly migrations: TenantMigration[] } = { key: '', migrations: [] }
  /** Parsed once, for as long as the ledger says the same. */
  const released = async (): Promise<TenantMigration[]> => {
    const { rows } = await catalogue.query<{ key: string | null }>(
      `select string_agg(version || checksum, ' ' order by version) as key from rowhouse.tenant_migrations
       where released_at is not null`,
    )
    const key = rows[0]?.key ?? ''
    if (key !== known.key) known = { key, migrations: await readReleasedMigrations(catalogue) }
    return known.migrations
  }
  return {
    async version() {
      return (await released()).at(-1)?.version ?? null
    },
    async fingerprint() {
      await released()
      return createHash('sha256').update(known.key).digest('hex')
    },
    async apply(client, home) {
      return applyTenantMigrations(client, home, await released())
    },
  }
}
