// A plan as programs get it: no text of a migration, and what has to be said to agree to it.
import { createHash } from 'node:crypto'

import type { TenantMigration } from '../migration/prepare.ts'
import type { Problem } from '../migration/problem.ts'
import { fileNameOf } from '../migration/read-folder.ts'
import type { Destruction } from './options.ts'
import type { Resumes, RolloutPlan } from './plan.ts'

export interface DescribedPlan {
  readonly target: string | null
  readonly upToDate: boolean
  /** Says that the plan was read: another folder, another word. See confirmationOf(). */
  readonly confirm: string
  readonly homes: { readonly total: number; readonly behind: number }
  readonly resumes: Resumes | null
  readonly waves: readonly { readonly name: string; readonly homes: number }[]
  readonly migrations: readonly {
    readonly file: string
    readonly statements: number
    readonly inTransaction: boolean
    /** Several homes may share a transaction. */
    readonly together: boolean
    readonly problems: readonly Problem[]
    readonly allowed: readonly (Problem & { readonly reason: string })[]
  }[]
  /** What it takes away for good. */
  readonly destroys: readonly Destruction[]
}

export const describePlan = (plan: RolloutPlan): DescribedPlan => ({
  target: plan.target,
  upToDate: plan.isNothing,
  confirm: confirmationOf(plan.migrations),
  homes: { total: plan.homesTotal, behind: plan.behind.length },
  resumes: plan.resumes,
  waves: plan.waves.map(({ name, homes }) => ({ name, homes: homes.length })),
  migrations: plan.pending.map((migration) => ({
    file: fileNameOf(migration),
    statements: migration.statements.length,
    inTransaction: migration.isTransactional,
    together: migration.isQuick,
    problems: migration.problems,
    allowed: migration.allowed,
  })),
  destroys: plan.destroys,
})

/** Of exactly these migrations: whoever agreed to others has not agreed. */
export const confirmationOf = (migrations: readonly TenantMigration[]): string =>
  createHash('sha256')
    .update(migrations.map(({ version, checksum }) => `${version} ${checksum}`).join('\n'))
    .digest('hex')
    .slice(0, 16)
