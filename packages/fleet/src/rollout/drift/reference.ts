// What the migrations make, in one database: run in a scratch schema, read, and rolled back.
import { createHash, randomBytes } from 'node:crypto'
import { RowhouseError } from '@rowhouse/contracts'
import { DatabaseError, escapeIdentifier } from 'pg'
import type { Client } from 'pg'
import { noteOf, searchPathOf } from '../apply/home-text.ts'
import { beginText } from '../apply/session.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import { fileNameOf } from '../migration/read-folder.ts'

/** A line of rowhouse.structure(), and the relation, function or type that it is about. */
export interface StructureLine {
  readonly object: string
  readonly line: string
}

export interface Reference {
  readonly lines: readonly StructureLine[]
  readonly fingerprint: string
}

/** A foreign key to rowhouse.organizations locks it against writers until the rollback. */
const LIMITS = { lockTimeoutMs: 10_000, statementTimeoutMs: 60_000 } as const
/** Stands in for the login that each home of its own has: a role that is everywhere and owns nothing. */
const STAND_IN = 'rowhouse_control'

/**
 * @param isShared whether tenants come as the roles that organizations share, or each home has a login of its own
 * @throws RowhouseError migration_failed where a recorded migration does not run any more
 */
export async function makeReference(
  client: Client,
  migrations: readonly TenantMigration[],
  isShared: boolean,
): Promise<Reference> {
  const schema = `rowhouse_scratch_${randomBytes(6).toString('hex')}`
  let at = ''
  await client.query(beginText(LIMITS))
  try {
    await client.query(`create schema ${escapeIdentifier(schema)} authorization rowhouse_owner`)
    await (isShared
      ? client.query('select from rowhouse.guard_schema($1::text::regnamespace)', [schema])
      : client.query('select from rowhouse.register_home($1, $2, gen_random_uuid())', [schema, STAND_IN]))
    await client.query(`set local search_path = ${searchPathOf(schema)}`)
    for (const migration of migrations) {
      for (const { textInside, line } of migration.statements) {
        at = `${fileNameOf(migration)}:${line}`
        if (textInside !== null) await client.query(textInside)
      }
    }
    await client.query('set local search_path = pg_catalog, pg_temp')
    at = 'the end'
    if (migrations.length > 0) {
      await client.query('select rowhouse.end_tenant_migrations($1, $2)', [
        [schema],
        JSON.stringify(migrations.map(noteOf)),
      ])
    }
    const { rows: lines } = await client.query<StructureLine>('select object, line from rowhouse.structure($1, $2)', [
      schema,
      isShared ? 'rowhouse_app' : STAND_IN,
    ])
    return { lines, fingerprint: fingerprintOf(lines) }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    throw new RowhouseError('migration_failed', `${at} does not run in an empty home: ${error.message}`, {
      cause: error,
    })
  } finally {
    await client.query('rollback')
  }
}

/** As rowhouse.structure_fingerprints() reckons it: lines in the order of their bytes. */
function fingerprintOf(lines: readonly StructureLine[]): string {
  const sorted = lines.map(({ line }) => Buffer.from(line)).toSorted((a, b) => Buffer.compare(a, b))
  return createHash('md5').update(sorted.map(String).join('\n')).digest('hex')
}
