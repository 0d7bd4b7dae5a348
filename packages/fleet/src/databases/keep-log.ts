// What one database's change logs need again and again: seals over what is new, and that what has expired goes. As
// rowhouse_control, which reads no line. One organization that fails holds up no other.
import { pruneOrganization, sealOrganization } from '@rowhouse/database'
import type { ClientBase, QueryResultRow } from 'pg'

export interface LogDatabase {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** One connection for several statements, in a transaction that `use` begins and ends. */
  session<Result>(use: (client: ClientBase) => Promise<Result>): Promise<Result>
}

export interface LogWork {
  /** Of this database: sealKeyOf(). */
  readonly key: Buffer
  readonly onFailure: (organizationId: string, error: unknown) => void
  /** Asked before each organization. */
  readonly isStopped: () => boolean
}

/** Up to where a database's organizations are sealed. */
export interface SealedUntil {
  /** A snapshot of the database; null: every organization is looked at. */
  readonly snapshot: string | null
  /** Those that failed: they are looked at besides. */
  readonly unsealed: readonly string[]
}

/** Seals every organization that changed since. @returns how many seals, and where the next call begins */
export async function sealChanged(
  database: LogDatabase,
  since: SealedUntil,
  work: LogWork,
): Promise<SealedUntil & { readonly seals: number }> {
  const [changed] = await database.query<{ snapshot: string; ids: string[] }>(
    'select snapshot::text, organization_ids as ids from rowhouse.changed_organizations($1::pg_snapshot)',
    [since.snapshot],
  )
  const unsealed = new Set<string>()
  let seals = 0
  const organizations = new Set([...since.unsealed, ...(changed?.ids ?? [])])
  for (const id of organizations) {
    // What was not looked at is looked at the next time.
    if (work.isStopped()) return { ...since, seals }
    try {
      seals += await database.session((client) => sealOrganization(client, id, work.key))
    } catch (error) {
      unsealed.add(id)
      work.onFailure(id, error)
    }
  }
  return { snapshot: changed?.snapshot ?? null, unsealed: [...unsealed], seals }
}

/** Removes the lines that have expired, and the months that hold nothing any more. @returns how many lines went */
export async function pruneExpired(database: LogDatabase, work: LogWork): Promise<number> {
  const expired = await database.query<{ id: string }>('select id from rowhouse.organizations_to_prune() id')
  let lines = 0
  for (const { id } of expired) {
    if (work.isStopped()) return lines
    try {
      lines += await database.session((client) => pruneOrganization(client, id, work.key))
    } catch (error) {
      work.onFailure(id, error)
    }
  }
  await database.query('select from rowhouse.drop_empty_log_months()')
  return lines
}
