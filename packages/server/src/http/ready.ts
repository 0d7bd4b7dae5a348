// Whether this process can do its work: the database answers, and its schema is one that this code works with. A newer one is,
// as long as it says so: else an upgrade would take every server that runs out of service before the new ones are there.
import { requireSchemaVersion, schemaVersion } from '@rowhouse/database'
import type { Catalogue } from '../catalogue/catalogue.ts'

export interface Readiness {
  readonly status: 'ready'
  /** Of the database. */
  readonly schemaVersion: number
  /** That this program was made for; smaller while an upgrade is under way. */
  readonly knownVersion: number
}

/** @throws RowhouseError database_unreachable, schema_outdated, schema_newer */
export async function checkReady(
  catalogue: Pick<Catalogue, 'query'>,
  known: number = schemaVersion,
): Promise<Readiness> {
  const rows = await catalogue.query<{ schema_version: number; oldest_runtime: number }>(
    'select schema_version, oldest_runtime from rowhouse.handshake()',
  )
  const { schema_version: found = 0, oldest_runtime: oldest = 0 } = rows[0] ?? {}
  requireSchemaVersion(found, oldest, known)
  return { status: 'ready', schemaVersion: found, knownVersion: known }
}
