// Every probe of a surface, generated. What a context adds or leaves out is decided by the runner.
import type { Arena } from '../arena.ts'
import { ident } from '../quoting.ts'
import type { Surface } from '../surface/surface.ts'
import { nameOf } from '../surface/relations.ts'
import type { Relation } from '../surface/relations.ts'
import type { Row, Witness } from '../witness.ts'
import { constraintProbes } from './constraints.ts'
import { functionProbes } from './functions.ts'
import type { Bait } from './functions.ts'
import { privilegeProbes, schemaProbes } from './privileges.ts'
import type { Probe } from './probe.ts'
import { readProbes } from './reads.ts'
import { roleProbes, sequenceProbes, sessionProbes } from './session.ts'
import { sharedWriteProbes } from './shared-writes.ts'
import { policyShadowProbes, shadowProbes, triggerProbes } from './shadows.ts'
import { targetOf } from './target.ts'
import { writeProbes } from './writes.ts'

/** Names of schemas that a function's text is tried with. */
const SCHEMAS_MAX = 4

export interface ProbePlan {
  readonly probes: readonly Probe[]
  /** Derived for one login, by its name. */
  readonly roleProbes: ReadonlyMap<string, readonly Probe[]>
}

export function planProbes(arena: Arena, surface: Surface, witness: Witness, database: string): ProbePlan {
  const relations = surface.relations.filter(({ schema }) => !arena.skipSchemas?.has(schema))
  const byName = new Map(surface.relations.map((relation) => [nameOf(relation), relation]))
  const rowOfB = (relation: string): Row | undefined => witness.planted.get(relation)?.b[0]
  const targets = relations.map((relation) => targetOf(relation, arena, witness))
  const referringTo = new Map<string, Set<string>>()
  for (const { relation, sql } of targets) {
    for (const { target } of relation.references) {
      if (target === nameOf(relation)) continue
      const known = referringTo.get(target)
      if (known === undefined) referringTo.set(target, new Set([sql]))
      else known.add(sql)
    }
  }
  const owned = targets.filter(({ owner }) => owner !== undefined)
  const bait: Bait = {
    organizations: arena.organizations,
    schemas: [...new Set(owned.map(({ relation }) => relation.schema))].slice(0, SCHEMAS_MAX),
    rows: owned.flatMap(({ relation, b }) =>
      b === undefined || relation.kind === 'v' ? [] : [{ relation: nameOf(relation), row: b }],
    ),
  }
  const takenUpBy = (relation: Relation): string =>
    surface.triggerFunctions
      .filter(({ uses }) => uses.some((use) => use.relation === nameOf(relation)))
      .map(({ source }) => source)
      .concat(relation.rules)
      .join('\n')
  const functions = surface.functions.filter(({ schema }) => !arena.skipSchemas?.has(schema))
  const probes = [
    ...targets.flatMap((target) => [
      ...readProbes(target),
      ...writeProbes(target, [...(referringTo.get(nameOf(target.relation)) ?? [])]),
      ...constraintProbes(target, rowOfB),
      ...privilegeProbes(target),
      ...sharedWriteProbes(target, bait, takenUpBy(target.relation)),
    ]),
    ...functions.flatMap((fn) => [
      ...functionProbes(fn, bait),
      ...shadowProbes(fn, relations, bait),
      ...policyShadowProbes(fn, relations, rowOfB),
    ]),
    ...surface.triggerFunctions
      .filter(({ schema }) => !arena.skipSchemas?.has(schema))
      .flatMap((fn) => triggerProbes(fn, byName, rowOfB)),
    ...surface.sequences.flatMap(sequenceProbes),
    ...surface.schemas.filter((schema) => !arena.skipSchemas?.has(schema)).flatMap((schema) => schemaProbes(schema)),
    ...sessionProbes(database),
  ]
  const bases = owned.filter(({ relation }) => relation.kind !== 'v')
  const ofRoles = new Map(
    [...surface.reachable].map(
      ([login, roles]) => [login, roles.flatMap((role) => roleProbes(ident(role), bases))] as const,
    ),
  )
  return { probes, roleProbes: ofRoles }
}
