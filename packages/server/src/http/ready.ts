// Whether this process can do its work: the database answers and its schema is the one this code knows.
import { RowhouseError } from '@rowhouse/contracts'
import { schemaVersion } from '@rowhouse/database'
import type { Catalogue } from '../catalogue/catalogue.ts'

/** @throws RowhouseError database_unreachable, schema_outdated, schema_newer */
export async function checkReady(catalogue: Catalogue): Promise<{ status: 'ready'; schemaVersion: number }> {
  const rows = await catalogue.query<{ schema_version: number }>('select schema_version from rowhouse.handshake()')
  const found = rows[0]?.schema_version ?? 0
  if (found < schemaVersion) throw new RowhouseError('schema_outdated')
  if (found > schemaVersion) throw new RowhouseError('schema_newer')
  return { status: 'ready', schemaVersion: found }
}
