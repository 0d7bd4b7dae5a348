// How large the tables of homes are. What reads or rewrites a table is harmless where the table is small, so such problems
// are dropped unless some home has a large table of that name.
import { isRowhouseError } from '@rowhouse/contracts'
import { openSession } from '../apply/session.ts'
import { databaseKeyOf, homeConnection } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import type { Problem } from '../migration/problem.ts'
import { inParallel } from '../../in-parallel.ts'

/** Read in well under a second from a warm disk; rowhouse.give_reference_indexes() draws the line there too. */
export const LARGE_BYTES = 64 * 1024 * 1024

export async function withoutSmallTables(
  migrations: readonly TenantMigration[],
  homes: readonly Home[],
  catalogueUrl: string,
  atOnce: number,
): Promise<TenantMigration[]> {
  const names = [
    ...new Set(
      migrations.flatMap(({ problems, allowed }) =>
        [...problems, ...allowed].flatMap(({ onlyIfLarge }) => onlyIfLarge ?? []),
      ),
    ),
  ]
  if (names.length === 0) return [...migrations]
  const large = await findLargeTables(names, homes, catalogueUrl, atOnce)
  const matters = ({ onlyIfLarge }: Problem): boolean => onlyIfLarge === null || large.has(onlyIfLarge)
  return migrations.map((migration) => ({
    ...migration,
    problems: migration.problems.filter(matters),
    allowed: migration.allowed.filter(matters),
  }))
}

async function findLargeTables(
  names: readonly string[],
  homes: readonly Home[],
  catalogueUrl: string,
  atOnce: number,
): Promise<Set<string>> {
  const large = new Set<string>()
  const databases = [...Map.groupBy(homes, databaseKeyOf).values()]
  await inParallel(databases, atOnce, async (inDatabase) => {
    const [home] = inDatabase
    if (home === undefined) return
    const client = await openSession(homeConnection(catalogueUrl, home), 'rowhouse migrate').catch((error: unknown) => {
      if (!isRowhouseError(error) || error.code !== 'database_unreachable') throw error
      // Its tables may be large. The others need not wait until it answers: the safe way is one for small tables too.
      for (const name of names) large.add(name)
      return null
    })
    if (client === null) return
    try {
      const { rows } = await client.query<{ name: string }>(
        `select distinct c.relname as name
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relname = any($1) and c.relkind in ('r', 'p') and n.nspname = any($2)
           and coalesce((select sum(pg_table_size(t.relid)) from pg_partition_tree(c.oid) t), pg_table_size(c.oid)) > $3`,
        [names, inDatabase.map(({ schemaName }) => schemaName), LARGE_BYTES],
      )
      for (const { name } of rows) large.add(name)
    } finally {
      await client.end().catch(() => undefined)
    }
  })
  return large
}
