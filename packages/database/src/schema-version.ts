// Whether this program works with a schema: its own version does, and a newer one as long as that says so itself. During an
// upgrade programs of before and after it are alive at once; rowhouse.handshake() names the oldest that still works.
import { RowhouseError } from '@rowhouse/contracts'

import { schemaVersion } from './migrations.ts'

/** @throws RowhouseError schema_outdated, schema_newer */
export function requireSchemaVersion(installed: number, oldestRuntime: number, known: number = schemaVersion): void {
  if (installed === known || (installed > known && known >= oldestRuntime)) return
  throw new RowhouseError(
    installed < known ? 'schema_outdated' : 'schema_newer',
    `The database has schema version ${installed}; this program knows version ${known}.`,
    { details: { installed, known, oldestRuntime } },
  )
}
