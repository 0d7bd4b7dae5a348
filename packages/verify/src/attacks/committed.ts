// The committing lane. A rollback hides what only the end of a transaction does, so every table is written once more as
// A, each statement in a transaction that is committed, and afterwards B's rows are compared. It comes last: it changes
// A's rows.
import type { Client } from 'pg'

import type { Arena, AttackContext } from './arena.ts'
import type { Lane } from './lane.ts'
import { freshRow, insertOf } from './probes/rows.ts'
import type { Probe } from './probes/probe.ts'
import { targetOf } from './probes/target.ts'
import { attackRules } from './rules.ts'
import type { Surface } from './surface/surface.ts'
import { nameOf } from './surface/relations.ts'
import type { Tally } from './tally.ts'
import type { Witness } from './witness.ts'

export interface Ground {
  readonly arena: Arena
  readonly surface: Surface
  readonly witness: Witness
  readonly admins: readonly [Client, Client]
  readonly tally: Tally
}

export async function commitWrites(
  lane: Lane,
  context: AttackContext,
  { arena, surface, witness, admins, tally }: Ground,
): Promise<void> {
  const done: string[] = []
  for (const relation of surface.relations) {
    if (!'rp'.includes(relation.kind) || arena.skipSchemas?.has(relation.schema) === true) continue
    const target = targetOf(relation, arena, witness)
    if (target.owner === undefined || target.a === undefined) continue
    for (const sql of [insertOf(target, freshRow(target, target.a, 9)), `delete from ${target.sql}`]) {
      await lane.commit(context, sql)
      done.push(sql)
      tally.tried({ context, probe: { name: 'committed', family: 'write', object: target.object, sql, writes: true } })
    }
  }
  for (const relation of surface.relations) {
    const name = nameOf(relation)
    const question = witness.question(name)
    if (question === undefined) continue
    for (const world of [0, 1] as const) {
      const { rows } = await admins[world].query<string[]>({ text: question, rowMode: 'array' })
      if (rows[0]?.[0] === witness.answer(world, name)) continue
      const object = targetOf(relation, arena, witness).object
      const sql = done.find((text) => text.includes(` ${targetOf(relation, arena, witness).sql}`)) ?? done.at(-1) ?? ''
      const probe: Probe = { name: 'committed', family: 'write', object, sql, writes: true }
      tally.add(attackRules.changed, { context, probe }, `Changed: ${name}, after COMMIT.`)
    }
  }
}
