// Clones the schema of a database, attacks the clones, drops them. The database itself is only read.
import { cloneTwoWorlds } from '../clone/clone-two-worlds.ts'
import type { CloneOptions } from '../clone/clone-two-worlds.ts'
import { arenaOfClone, loginsWithoutContext } from './arena-of-clone.ts'
import type { AttackOptions, AttackResult } from './options.ts'
import { attackOtherDatabase } from './other-database.ts'
import { runAttacks } from './run-attacks.ts'

export interface AttackDatabaseOptions extends AttackOptions {
  /** How the two worlds are made and planted. */
  readonly clone?: CloneOptions
}

/**
 * Attacks the schema of the database at `url` in two scratch databases beside it, or where `clone.scratch` says.
 *
 * @throws RowhouseError scratch_unavailable, database_unreachable
 *
 * @example
 * const { findings, coverage, undecided } = await attackDatabase('postgres://…', { attackSeconds: 120 })
 */
export async function attackDatabase(url: string, options: AttackDatabaseOptions = {}): Promise<AttackResult> {
  const worlds = await cloneTwoWorlds(url, options.clone)
  try {
    const arena = arenaOfClone(worlds)
    const other = worlds.otherDatabase
    // Where each organization has a database, a request is the organization's by where it is sent.
    const acting = other !== null || arena.contexts.some(({ actsForA }) => actsForA)
    const inside = await runAttacks(arena, options)
    const result = other === null ? inside : joined(inside, await attackOtherDatabase(url, other, worlds, options))
    return {
      findings: result.findings,
      coverage: {
        ...result.coverage,
        notCovered: [...worlds.notCovered, ...loginsWithoutContext(worlds), ...result.coverage.notCovered],
      },
      undecided: [
        ...result.undecided,
        ...(acting
          ? []
          : ['Nothing in the schema says for which organization a request acts, so none was tried as A.']),
      ],
    }
  } finally {
    await worlds.close()
  }
}

function joined(one: AttackResult, other: AttackResult): AttackResult {
  const [a, b] = [one.coverage, other.coverage]
  return {
    findings: [...one.findings, ...other.findings],
    coverage: {
      objects: a.objects + b.objects,
      probes: Math.max(a.probes, b.probes),
      statements: a.statements + b.statements,
      cells: a.cells + b.cells,
      notCovered: [...a.notCovered, ...b.notCovered],
      limits: [...new Set([...a.limits, ...b.limits])],
    },
    undecided: [...one.undecided, ...other.undecided],
  }
}
