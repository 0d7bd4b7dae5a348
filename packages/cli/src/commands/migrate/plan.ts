// `rowhouse migrate plan`.
import { describePlan, fileNameOf, planRollout, readMigrations } from '@rowhouse/fleet'
import type { RolloutPlan } from '@rowhouse/fleet'
import { plural } from '../../output/plural.ts'
import { makePrinter } from '../../output/printer.ts'
import { catalogueUrl, readPaceOptions } from './arguments.ts'
import type { PacedOptions } from './arguments.ts'
import { migrationFolder } from './folder.ts'

export async function runPlan(options: PacedOptions): Promise<void> {
  const migrations = await readMigrations(migrationFolder(options.dir))
  const plan = await planRollout({ catalogueUrl: catalogueUrl(), migrations, pace: readPaceOptions(options) })
  makePrinter(options.json === true).print(describePlan(plan), () => renderPlan(plan))
  if (plan.pending.some(({ problems }) => problems.length > 0)) process.exitCode = 1
}

export function renderPlan({ target, isNothing, pending, homesTotal, behind, waves, resumes }: RolloutPlan): string {
  if (target === null) return 'The folder holds no migration: rowhouse migrate new\n'
  if (isNothing) return `${homesTotal === 1 ? 'The one home has' : `All ${homesTotal} homes have`} ${target}.\n`
  const lines = [
    `${behind.length} of ${plural(homesTotal, 'home')} ${behind.length === 1 ? 'lacks' : 'lack'} ${target}.`,
    '',
  ]
  for (const migration of pending) {
    const manner = migration.isTransactional
      ? migration.isQuick
        ? 'several homes in a transaction'
        : 'one home in a transaction'
      : 'outside of transactions'
    lines.push(`${fileNameOf(migration)}: ${plural(migration.statements.length, 'statement')}, ${manner}`)
    for (const { line, column, check, message, instead } of migration.problems) {
      lines.push(`  refused ${line}:${column} [${check}] ${message}`, `    ${instead}`)
    }
    for (const { line, check, message, reason } of migration.allowed) {
      lines.push(`  allowed ${line} [${check}] ${message}`, `    because ${reason}`)
    }
  }
  if (resumes !== null)
    lines.push(
      '',
      resumes.state === 'running'
        ? `A rollout is under way: ${resumes.done} of ${plural(resumes.of, 'home')} done. Until it ends up is refused.`
        : `Goes on with the rollout that is ${resumes.state}: ${resumes.done} of ${plural(resumes.of, 'home')} done.`,
    )
  if (waves.length > 0)
    lines.push('', `Waves: ${waves.map(({ name, homes }) => `${name} (${homes.length})`).join(', ')}`)
  return `${lines.join('\n')}\n`
}
