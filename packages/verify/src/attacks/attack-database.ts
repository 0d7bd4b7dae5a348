// Clones the schema of a database, attacks the clones, drops them. The database itself is only read.
import { cloneTwoWorlds } from '../clone/clone-two-worlds.ts'
import type { CloneOptions } from '../clone/clone-two-worlds.ts'
import { arenaOfClone, loginsWithoutContext } from './arena-of-clone.ts'
import { attackHomes } from './homes/attack-homes.ts'
import { ATTACK_SECONDS } from './options.ts'
import type { AttackOptions, AttackResult } from './options.ts'
import { attackOtherDatabase } from './other-database.ts'
import { requireNamed } from './part.ts'
import { runAttacks } from './run-attacks.ts'

export interface AttackDatabaseOptions extends AttackOptions {
  /** How the two worlds are made and planted. */
  readonly clone?: CloneOptions
}

/**
 * Attacks the schema of the database at `url` in two scratch databases beside it, or where `clone.scratch` says.
 *
 * @throws RowhouseError scratch_unavailable, database_unreachable; invalid_option where `only` names what is not there
 *
 * @example
 * const { findings, coverage, undecided } = await attackDatabase('postgres://…', { attackSeconds: 120 })
 */
export async function attackDatabase(url: string, options: AttackDatabaseOptions = {}): Promise<AttackResult> {
  if (options.only !== undefined) await requireNamed(url, options.only)
  const worlds = await cloneTwoWorlds(url, options.clone)
  try {
    const { homes, otherDatabase: other } = worlds
    const arena = arenaOfClone(worlds)
    const time = timeOf(options)
    // Where each organization has a database, a request is the organization's by where it is sent.
    const acting = homes !== null || other !== null || arena.contexts.some(({ actsForA }) => actsForA)
    const results: AttackResult[] = []
    // Before the shared tables: what ends their attack is committed.
    if (homes !== null) results.push(await attackHomes(worlds, homes, time()))
    if (homes?.alone !== true) results.push(await runAttacks(arena, time()))
    if (other !== null) results.push(await attackOtherDatabase(url, other, worlds, time()))
    const result = results.reduce(joined)
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

/** The options with what is left of the time that all of it has together. */
function timeOf(options: AttackDatabaseOptions): () => AttackDatabaseOptions {
  const now = options.now ?? (() => performance.now())
  const endMs = now() + (options.attackSeconds ?? ATTACK_SECONDS) * 1000
  return () => ({ ...options, attackSeconds: Math.max((endMs - now()) / 1000, 0) })
}

function joined(one: AttackResult, other: AttackResult): AttackResult {
  const [a, b] = [one.coverage, other.coverage]
  const known = new Set(one.findings.map(({ rule, object }) => `${rule} ${object}`))
  const named = new Set(a.notCovered.map((entry) => JSON.stringify(entry)))
  return {
    findings: [...one.findings, ...other.findings.filter(({ rule, object }) => !known.has(`${rule} ${object}`))],
    coverage: {
      objects: a.objects + b.objects,
      probes: Math.max(a.probes, b.probes),
      statements: a.statements + b.statements,
      cells: a.cells + b.cells,
      notCovered: [...a.notCovered, ...b.notCovered.filter((entry) => !named.has(JSON.stringify(entry)))],
      limits: [...new Set([...a.limits, ...b.limits])],
      ...(a.part !== undefined && {
        part: {
          ...a.part,
          objects: [...new Set([...a.part.objects, ...(b.part?.objects ?? [])])].toSorted(),
          leftOutProbes: a.part.leftOutProbes + (b.part?.leftOutProbes ?? 0),
          leftOutObjects: Math.max(a.part.leftOutObjects, b.part?.leftOutObjects ?? 0),
        },
      }),
    },
    undecided: [...new Set([...one.undecided, ...other.undecided])],
  }
}
