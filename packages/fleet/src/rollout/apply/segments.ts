// Migrations in the parts that can be all or nothing: consecutive ones that run in transactions share one, and each that
// Postgres runs outside of transactions only stands for itself. One that validates a constraint begins a part: the locks of
// those before it would be held for as long as it reads.
import type { TenantMigration } from '../migration/prepare.ts'

export interface Segment {
  readonly migrations: readonly TenantMigration[]
  readonly isTransactional: boolean
  readonly isQuick: boolean
  readonly refersToOrganizations: boolean
  /** Of its last migration. */
  readonly version: string
}

export function segmentsOf(migrations: readonly TenantMigration[]): Segment[] {
  const groups: TenantMigration[][] = []
  for (const migration of migrations) {
    const last = groups.at(-1)
    if (last?.[0]?.isTransactional === true && migration.isTransactional && !migration.validates) last.push(migration)
    else groups.push([migration])
  }
  return groups.map((group) => ({
    migrations: group,
    isTransactional: group.every(({ isTransactional }) => isTransactional),
    isQuick: group.every(({ isQuick }) => isQuick),
    refersToOrganizations: group.some(({ refersToOrganizations }) => refersToOrganizations),
    version: group.at(-1)?.version ?? '',
  }))
}
