// Which probe runs in which context, and when. What tells most comes first over all objects: where the time ends before the
// probes do, as it does with thousands of tables, every table has been tried by the probes that find most.
import type { Client } from 'pg'

import type { Arena, AttackContext } from './arena.ts'
import type { ProbePlan } from './probes/all-probes.ts'
import { forgingProbes } from './probes/forging.ts'
import { keptPlan } from './probes/kept-plan.ts'
import type { Mark } from './probes/forging.ts'
import { qualified } from './quoting.ts'
import { shuffle } from './seed.ts'
import { COMPANY_MAX } from './session.ts'
import { steal } from './stolen.ts'
import { nameOf } from './surface/relations.ts'
import type { Surface } from './surface/surface.ts'
import type { Cell } from './tally.ts'
import type { Witness } from './witness.ts'

/** Relations on which a forged context is tried, of those that are reached without it and of the others: where one opens, all do. */
const MARKS_MAX = 3
/**
 * What shows that a relation, or a function, on which the catalogue gives no privilege is out of reach: the rest would be the
 * same 42501. Of a schema like Rowhouse's own, whose functions are mostly nobody's to call, they were most of an attack.
 */
const WITHOUT_PRIVILEGE = new Set([
  'select',
  'count',
  'update blind',
  'delete blind',
  'insert',
  'truncate',
  'trigger',
  'call 1',
  'trigger before insert of one’s own',
])

/** Of one context, one after the other: as many as two lanes take into a transaction each. */
const COMPANY_CELLS = 2 * COMPANY_MAX

/** The same cells, some of one context after the other, so that they can share a transaction. */
function inCompany(cells: readonly Cell[]): Cell[] {
  const open = new Map<AttackContext, Cell[]>()
  const groups: Cell[][] = []
  for (const cell of cells) {
    const group = open.get(cell.context)
    if (group !== undefined && group.length < COMPANY_CELLS) group.push(cell)
    else {
      const begun = [cell]
      open.set(cell.context, begun)
      groups.push(begun)
    }
  }
  return groups.flat()
}

export interface Battlefield {
  readonly arena: Arena
  readonly contexts: readonly AttackContext[]
  /** The relations on which a context has any privilege, and the oids of the functions that it may call. */
  readonly reach: ReadonlyMap<AttackContext, ReadonlySet<string>>
  readonly plan: ProbePlan
  readonly surface: Surface
  readonly witness: Witness
  readonly admin: Client
  readonly seed: number
}

/** @returns the cells in groups, one after the other; the last comes after ANALYZE */
export async function cellsOf(field: Battlefield): Promise<{ before: Cell[][]; late: Cell[] }> {
  const { arena, contexts, reach, plan, surface, witness, admin, seed } = field
  const cells: Cell[] = []
  const actor = contexts.find(({ actsForA }) => actsForA) ?? contexts[0]
  const rolesDone = new Set<string>()
  const reads = plan.probes.filter(({ family, name }) => family === 'read' && name === 'select')
  const marksOf = (context: AttackContext): Mark[] => {
    const marks = surface.relations
      .filter(({ kind }) => 'rp'.includes(kind))
      .map((relation) => ({ sql: qualified(relation.schema, relation.name), object: nameOf(relation) }))
      .filter(({ object }) => (witness.planted.get(object)?.b.length ?? 0) > 0)
    const isReached = ({ object }: Mark): boolean => reach.get(context)?.has(object) === true
    // A row policy is forged where the table is reached, a role where it is not: B's own schema is reached by B's role alone.
    return [true, false].flatMap((reached) => marks.filter((mark) => isReached(mark) === reached).slice(0, MARKS_MAX))
  }
  for (const context of contexts) {
    for (const probe of plan.probes) {
      if (probe.once === true && context !== actor) continue
      if (probe.sealedOnly === true && context.madeBySql === true) continue
      if (context.brief === true && (probe.relation === undefined || !WITHOUT_PRIVILEGE.has(probe.name))) continue
      const what = probe.relation ?? probe.callable
      const isReached = what === undefined || reach.get(context)?.has(what) === true
      if (isReached || WITHOUT_PRIVILEGE.has(probe.name)) cells.push({ context, probe })
    }
    if (context.actsForA) {
      const stolen = await steal(admin, context, surface.settings)
      const probes = forgingProbes(context, surface.settings, stolen, marksOf(context), arena.organizations.b)
      for (const probe of probes) cells.push({ context, probe })
    }
    if (!rolesDone.has(context.login)) {
      rolesDone.add(context.login)
      for (const probe of plan.roleProbes.get(context.login) ?? []) cells.push({ context, probe })
    }
    if (!context.actsForA && context.enter(0).length === 0) {
      const fresh: AttackContext = { ...context, name: `${context.name}, in a session of its own`, fresh: true }
      for (const probe of reads) cells.push({ context: fresh, probe })
    }
    // What a transaction of B left on the connection, for the one that comes next and enters nobody.
    if (context.enterAsB !== undefined && context.loginOfB === undefined) {
      const after: AttackContext = {
        name: `nobody, after B by ${context.name}`,
        login: context.login,
        enter: () => [],
        before: context.enterAsB,
        actsForA: false,
      }
      for (const probe of reads) cells.push({ context: after, probe })
      if (context.actsForA) {
        for (const probe of reads)
          if (reach.get(context)?.has(probe.relation ?? '') === true)
            cells.push(keptPlan(context, context.enterAsB, probe))
      }
    }
  }
  const [looks, plans, first, rest, late]: [Cell[], Cell[], Cell[], Cell[], Cell[]] = [[], [], [], [], []]
  for (const cell of shuffle(cells, seed)) {
    const { family, relation, name } = cell.probe
    // Plans come before anything is written: what is rolled back leaves pages behind, not the same in both worlds.
    if (family === 'plan') plans.push(cell)
    else if (family === 'read' && WITHOUT_PRIVILEGE.has(name)) looks.push(cell)
    // Estimates and statistics are there after ANALYZE only, and with them plans could differ by size alone.
    else if (family === 'limit' || family === 'catalogue') late.push(cell)
    else if (relation === undefined || WITHOUT_PRIVILEGE.has(name)) first.push(cell)
    else rest.push(cell)
  }
  return { before: [looks, plans, first, rest].map(inCompany), late: inCompany(late) }
}
