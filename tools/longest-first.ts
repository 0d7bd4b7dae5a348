// The order in which test files begin. A worker that takes a long file last works alone while the other has nothing left, so
// the long ones are named here and come first. All others follow project by project, as files of one share a worker's modules.
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/** Those that take ten seconds and more, longest first; a guess that is wrong costs seconds, a missing name nothing else. */
export const longFiles: readonly string[] = [
  'packages/verify/src/attacks/homes/homes-of-rowhouse.db.test.ts',
  'packages/console/src/accessibility.test.ts',
  'packages/cli/src/commands/migrate/rollout.db.test.ts',
  'packages/cli/src/commands/verify-attack.db.test.ts',
  'packages/server/src/secrets.db.test.ts',
  'packages/console/src/console.test.ts',
  'packages/embedded/src/postgres/start.test.ts',
  'tools/build.test.ts',
  'packages/verify/src/attacks/mutants/mutants.db.test.ts',
  'e2e/console.test.ts',
  'e2e/start.test.ts',
  'packages/verify/src/attacks/homes.db.test.ts',
  'packages/cli/src/commands/migrate/terminal.db.test.ts',
  'e2e/bad-input.test.ts',
  'packages/verify/src/findings/rules.db.test.ts',
  'packages/runtime/src/placement/limits.db.test.ts',
  'e2e/sync.test.ts',
  'packages/sync/src/credentials/refresh.db.test.ts',
  'packages/sync/src/crowd.db.test.ts',
  'packages/cli/src/commands/migrate/killed.db.test.ts',
  'packages/database/src/adopt/adopt.db.test.ts',
  'e2e/attacks.test.ts',
  'packages/verify/src/attacks/holes.db.test.ts',
  'e2e/production.test.ts',
  'packages/verify/src/attacks/shapes/shapes.db.test.ts',
  'packages/verify/src/verify.db.test.ts',
  'packages/verify/src/attacks/bad-input.db.test.ts',
  'packages/verify/src/attacks/dynamic/dynamic-rules.db.test.ts',
  'packages/server/src/rollouts/start.db.test.ts',
  'packages/cli/src/commands/adopt/adopt.db.test.ts',
  'packages/sync/src/faults.db.test.ts',
  'packages/sync/src/hardships.db.test.ts',
  'packages/database/src/install/install.db.test.ts',
  'packages/fleet/src/retire/keep-retired.db.test.ts',
  'packages/server/src/catalogue/databases.db.test.ts',
  'packages/sync/src/stream.db.test.ts',
  'packages/database/src/guard.db.test.ts',
  'packages/fleet/src/rollout/run/roll-out.db.test.ts',
  'packages/verify/src/clone/makes.db.test.ts',
  'packages/sync/src/sales.db.test.ts',
  'packages/connectors/src/hubspot/hubspot.test.ts',
  'packages/verify/src/expect-isolated.db.test.ts',
  'packages/verify/src/attacks/attacks.db.test.ts',
  'packages/connectors/src/netsuite/netsuite.test.ts',
]

/** Each project's others, in the order in which projects end: what is short is left for the end. */
const projects = ['e2e', 'database', 'unit']

const rankOf = ({ moduleId, project }: TestSpecification): number => {
  const long = longFiles.findIndex((file) => moduleId.endsWith(`/${file}`))
  if (long >= 0) return long - longFiles.length
  return projects.indexOf(project.name)
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const byDefault = await super.sort(files)
    return byDefault.toSorted(
      (a, b) => a.project.config.sequence.groupOrder - b.project.config.sequence.groupOrder || rankOf(a) - rankOf(b),
    )
  }
}
