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
import type { Relation } from './surface/relations.ts'
import type { Tally } from './tally.ts'
import type { Row, Witness } from './witness.ts'

export interface Ground {
  readonly arena: Arena
  readonly surface: Surface
  readonly witness: Witness
  readonly admins: readonly [Client, Client]
  readonly tally: Tally
  /** Whether the object is one of those to attack. */
  readonly isAsked: (object: string) => boolean
}

/** Questions in one message. */
const QUESTIONS_AT_ONCE = 50

/**
 * @param bound asked before each table; the rest is not written once it has said no
 * @returns how many tables were not written, each of which is named as not covered
 */
export async function commitWrites(
  lane: Lane,
  context: AttackContext,
  { arena, surface, witness, admins, tally, isAsked }: Ground,
  bound: (done: number, total: number) => boolean,
): Promise<number> {
  const done: string[] = []
  const targets = surface.relations
    .filter(({ kind, schema }) => 'rp'.includes(kind) && arena.skipSchemas?.has(schema) !== true)
    .map((relation) => targetOf(relation, arena, witness))
    .filter(({ object, owner, a }) => isAsked(object) && owner !== undefined && a !== undefined)
  let left = 0
  for (const [at, target] of targets.entries()) {
    if (left > 0 || !bound(at, targets.length)) {
      left += 1
      tally.leaveOut(target.object, 'committed', 'the time was over before it was written once more')
      continue
    }
    for (const sql of [insertOf(target, freshRow(target, target.a as Row, 9)), `delete from ${target.sql}`]) {
      await lane.commit(context, sql)
      done.push(sql)
      tally.tried({ context, probe: { name: 'committed', family: 'write', object: target.object, sql, writes: true } })
    }
  }
  if (done.length === 0) return left
  for (const relation of await relationsThatChanged(surface, witness, admins)) {
    const target = targetOf(relation, arena, witness)
    const sql = done.find((text) => text.includes(` ${target.sql}`)) ?? done.at(-1) ?? ''
    const probe: Probe = { name: 'committed', family: 'write', object: target.object, sql, writes: true }
    tally.add(attackRules.changed, { context, probe }, `Changed: ${nameOf(relation)}, after COMMIT.`)
  }
  return left
}

/** Those in which rows of B are not what they were, in either world. */
async function relationsThatChanged(
  surface: Surface,
  witness: Witness,
  admins: readonly [Client, Client],
): Promise<Relation[]> {
  const asked = surface.relations.flatMap((relation) => {
    const question = witness.question(nameOf(relation))
    return question === undefined ? [] : [{ relation, question }]
  })
  const changed: Relation[] = []
  for (let start = 0; start < asked.length; start += QUESTIONS_AT_ONCE) {
    const some = asked.slice(start, start + QUESTIONS_AT_ONCE)
    const text = some.map(({ question }) => question).join(';\n')
    const worlds = await Promise.all(
      admins.map(async (admin) => {
        const results: unknown = await admin.query({ text, rowMode: 'array' })
        return (Array.isArray(results) ? results : [results]) as readonly { readonly rows: readonly string[][] }[]
      }),
    )
    changed.push(
      ...some
        .filter(({ relation }, at) =>
          worlds.some((answers, world) => {
            const answer = answers[at]?.rows[0]?.[0]
            return answer !== witness.answer(world as 0 | 1, nameOf(relation))
          }),
        )
        .map(({ relation }) => relation),
    )
  }
  return changed
}
