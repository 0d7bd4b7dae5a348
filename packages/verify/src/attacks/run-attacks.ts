// The two-world test: every probe, in every context, in two databases that differ in B's rows alone. What A is answered
// must be the same in both, B's rows must stay what they are, and no text of B may be shown. It touches the two
// databases of the arena and nothing else.
import { Client } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'

import type { Arena, AttackContext } from './arena.ts'
import { keepStatisticsStill } from './autovacuum.ts'
import { cellsOf } from './cells.ts'
import { commitWrites } from './committed.ts'
import { tryGate } from './gate.ts'
import { Lane } from './lane.ts'
import { ATTACK_SECONDS } from './options.ts'
import type { AttackOptions, AttackProgress, AttackResult } from './options.ts'
import { equaliser, succeeded } from './outcome/outcome.ts'
import type { Outcome } from './outcome/outcome.ts'
import { inheritOwners } from './owners.ts'
import { choose, partOf } from './part.ts'
import { planProbes } from './probes/all-probes.ts'
import type { Probe } from './probes/probe.ts'
import { objectOf } from './probes/target.ts'
import { ruleOf } from './rules.ts'
import { Session } from './session.ts'
import { shrink } from './shrink.ts'
import { nameOf } from './surface/relations.ts'
import { readSurface } from './surface/surface.ts'
import type { Surface } from './surface/surface.ts'
import { Tally, reproduction } from './tally.ts'
import type { Cell } from './tally.ts'
import { Witness } from './witness.ts'

const LANES_MAX = 8
const SHRINKS_MAX = 60
const PROGRESS_EVERY = 100
/** Asked inside a context: the relations on which it has any privilege, and the oids of functions that it may call. */
const WITHIN_REACH = `select n.nspname || '.' || c.relname
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and pg_catalog.has_schema_privilege(n.oid, 'usage')
    and (pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update, references')
      or pg_catalog.has_table_privilege(c.oid, 'delete, truncate, trigger'))
  union all select p.oid::text from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname not in ('pg_catalog', 'information_schema')
    and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_function_privilege(p.oid, 'execute')`

/**
 * Attacks both worlds of the arena as organization A.
 *
 * A difference that two runs inside one world show as well is noise, and is listed as not covered. `undecided` says why
 * the answer is not to be trusted: a context that cannot be entered or sees none of A's own rows, time that ran out.
 *
 * @throws RowhouseError `database_unreachable` when a world cannot be reached
 */
export async function runAttacks(given: Arena, options: AttackOptions = {}): Promise<AttackResult> {
  const now = options.now ?? (() => performance.now())
  const end = now() + (options.attackSeconds ?? ATTACK_SECONDS) * 1000
  const lanesCount = Math.min(Math.max(options.lanes ?? 2, 1), LANES_MAX)
  const tally = new Tally()
  const undecided = new Set<string>()
  const admins = await connectBoth(given)
  const lanes: Lane[] = []
  const progress = (phase: AttackProgress['phase'], done: number, total: number): void =>
    options.onProgress?.({ phase, done, total, findings: tally.found })
  try {
    progress('reading', 0, 0)
    await Promise.all(admins.map(keepStatisticsStill))
    const surface = await readSurface(admins[0], [...new Set(given.contexts.map(({ login }) => login))])
    const arena = { ...given, owners: inheritOwners(given.owners, surface.relations) }
    const witness = await Witness.look(admins, surface.relations, arena.owners, arena.organizations, (done, total) => {
      if (done % PROGRESS_EVERY === 0) progress('reading', done, total)
      return now() < end
    })
    const names = await Promise.all(
      admins.map(
        async (admin) => (await admin.query<{ name: string }>('select current_database() as name')).rows[0]?.name ?? '',
      ),
    )
    const equalise = equaliser([[names[0] as string, names[1] as string], ...(arena.equal ?? [])])
    const open = (world: 0 | 1): Session =>
      new Session({
        url: arena.worlds[world],
        world,
        statementTimeoutMs: options.statementTimeoutMs ?? 2_000,
        hasDeferred: surface.hasDeferred,
        witness,
      })
    for (let lane = 0; lane < lanesCount; lane += 1) lanes.push(new Lane(() => [open(0), open(1)], witness, equalise))
    const first = lanes[0] as Lane

    const contexts: AttackContext[] = []
    const reach = new Map<AttackContext, ReadonlySet<string>>()
    for (const context of arena.contexts) {
      const { outcomes } = await first.judge(context, { sql: WITHIN_REACH, writes: false })
      if (outcomes.every(succeeded)) {
        contexts.push(context)
        reach.set(context, new Set(outcomes[0].results[0]?.rows.map(([name]) => name ?? '')))
      } else
        undecided.add(`The context ${context.name} could not be entered: ${outcomes[0].message || outcomes[1].message}`)
    }
    const gate = await tryGate(admins[0], arena)
    for (const reason of gate.undecided) undecided.add(reason)
    for (const { rule, object, seen, sql } of gate.findings) {
      const probe: Probe = { name: 'gate', family: 'forge', object, sql, writes: false }
      tally.add(
        rule,
        { context: { name: 'gate', login: 'rowhouse_app', enter: () => [], actsForA: false }, probe },
        seen,
      )
    }
    tally.cells += gate.trials
    const { only } = options
    const isSkipped = (schema: string): boolean => arena.skipSchemas?.has(schema) === true
    const chosen = only === undefined ? undefined : choose(only, surface, isSkipped)
    const isAsked = (object: string): boolean => chosen === undefined || chosen.objects.has(object)
    for (const name of chosen?.missing ?? []) {
      undecided.add(`Nothing in the scratch databases is called ${name}, so it was not attacked.`)
      tally.leaveOut(name, 'all', 'nothing in the scratch databases is called so')
    }
    nameWhatIsLeftOut(arena, surface, witness, tally, isAsked)

    const plan = planProbes(arena, surface, witness, arena.database ?? (names[0] as string))
    const seed = options.seed ?? 1
    const field = { arena, contexts, reach, plan, surface, witness, admin: admins[0], seed }
    const { before, late } = await cellsOf(field)
    const all = [...before, late]
    const groups = all.map((cells) => cells.filter(({ probe }) => isAsked(probe.object)))
    const total = groups.reduce((sum, { length }) => sum + length, 0)
    const sawOwnRows = new Map<string, boolean>()
    /** Probes that no time was left for, by object: a line each would be half a million for some thousand tables. */
    const unfinished = new Map<string, number>()
    let next = 0
    let finished = 0
    const attack = async (lane: Lane, cells: readonly Cell[]): Promise<void> => {
      for (let at = next++; at < cells.length; at = next++) {
        const cell = cells[at] as Cell
        if (now() >= end) {
          unfinished.set(cell.probe.object, (unfinished.get(cell.probe.object) ?? 0) + 1)
          continue
        }
        tally.tried(cell)
        const outcome = await tryCell(lane, cell, tally, sawOwnRows)
        const { context, probe } = cell
        options.onProbe?.({
          object: probe.object,
          probe: probe.name,
          statement: probe.sql,
          context: context.name,
          outcome,
        })
        finished += 1
        if (finished % PROGRESS_EVERY === 0) progress('attacking', finished, total)
      }
      // What comes next waits for no lock of the last probe: ANALYZE, commits and the administrator have no time limit.
      await lane.rest()
    }
    for (const [at, group] of groups.entries()) {
      if (group.length === 0) continue
      if (all[at] === late && now() < end) await Promise.all(admins.map((admin) => admin.query('analyze')))
      next = 0
      await Promise.all(lanes.map((lane) => attack(lane, group)))
    }
    if (unfinished.size > 0) {
      undecided.add(
        `The time was over before every probe had run: ${total - finished} of ${total} were not tried, on ${unfinished.size} objects.`,
      )
    }
    for (const [object, count] of unfinished) tally.leaveOut(object, `${count} probes`, 'the time was over')

    // What A sees elsewhere tells too that a context is A's: what was asked for may be nobody's to see.
    if (chosen !== undefined) {
      for (const { context, probe } of all.flat()) {
        if (now() >= end) break
        if (!context.actsForA || isAsked(probe.object) || sawOwnRows.get(context.name) === true) continue
        if (
          probe.name !== 'select' ||
          probe.family !== 'read' ||
          witness.planted.get(probe.relation ?? '')?.a.length === 0
        )
          continue
        const { outcomes } = await first.judge(context, probe)
        sawOwnRows.set(context.name, outcomes.some(showsRows))
      }
    }
    for (const context of contexts) {
      if (
        context.actsForA &&
        sawOwnRows.get(context.name) === false &&
        [...witness.planted.values()].some(({ a }) => a.length > 0)
      ) {
        undecided.add(`The context ${context.name} sees none of A's own rows, so what it was refused proves nothing.`)
      }
    }

    const evidence = new Map<(typeof tally.groups)[number], string>()
    for (const [index, group] of tally.groups.entries()) {
      const { context, probe } = group.cell
      progress('shrinking', index, tally.found)
      const holds = async (sql: string): Promise<boolean> => {
        const { effect } = await first.judge(context, { ...probe, sql })
        return effect !== null && ruleOf(probe.family, effect, context.actsForA, context, probe.object) === group.rule
      }
      const sql =
        index < (options.shrinksMax ?? SHRINKS_MAX) && now() < end && group.rule.severity === 'error'
          ? await shrink(probe.sql, holds)
          : probe.sql
      evidence.set(group, reproduction(group.cell, sql))
    }

    await first.rest()
    const actor = contexts.find(({ actsForA }) => actsForA)
    if (actor !== undefined && options.commits !== false) {
      const left = await commitWrites(
        first,
        actor,
        { arena, surface, witness, admins, tally, isAsked },
        (done, count) => {
          if (done % PROGRESS_EVERY === 0) progress('committing', done, count)
          return now() < end
        },
      )
      if (left > 0) undecided.add(`The time was over before every table was written once more: ${left} were not.`)
    }
    progress('done', finished, total)
    return {
      findings: tally.findings(evidence),
      coverage: {
        objects: tally.objects.size,
        probes: tally.probeNames.size,
        statements: lanes.reduce((sum, { statements }) => sum + statements, 0),
        cells: tally.cells,
        notCovered: [...tally.notCovered.values()].sort((one, other) =>
          JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
        ),
        limits: [...tally.limits].sort(),
        ...(chosen !== undefined && {
          part: partOf(
            only ?? [],
            chosen,
            all.flat().filter(({ probe }) => !isAsked(probe.object)),
          ),
        }),
      },
      undecided: [...undecided],
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
    await Promise.all(admins.map((admin) => admin.end().catch(() => undefined)))
  }
}

const showsRows = ({ results }: Outcome): boolean => (results[0]?.rows.length ?? 0) > 0

/** @returns in a word what came of it */
async function tryCell(lane: Lane, cell: Cell, tally: Tally, sawOwnRows: Map<string, boolean>): Promise<string> {
  const { context, probe } = cell
  const { effect, seen, isNoise, notCovered, outcomes } = await lane.tryOut(context, probe)
  if (probe.name === 'select' && probe.family === 'read') {
    sawOwnRows.set(context.name, outcomes.some(showsRows) || sawOwnRows.get(context.name) === true)
  }
  if (isNoise)
    tally.leaveOut(
      probe.object,
      probe.name,
      'differs by itself: the same statement, run again in one world, was answered otherwise',
    )
  if (notCovered !== undefined) tally.leaveOut(probe.object, probe.name, notCovered)
  if (effect === null) {
    if (probe.limit !== undefined && isNoise) tally.limits.add(probe.limit)
    return isNoise ? 'noise' : notCovered === undefined ? 'same' : 'not covered'
  }
  if (probe.limit !== undefined && effect !== 'seen' && effect !== 'changed') {
    tally.limits.add(probe.limit)
    return 'limit'
  }
  const rule = ruleOf(probe.family, effect, context.actsForA, context, probe.object)
  tally.add(rule, cell, seen)
  return rule.code
}

function nameWhatIsLeftOut(
  arena: Arena,
  surface: Surface,
  witness: Witness,
  tally: Tally,
  isAsked: (object: string) => boolean,
): void {
  for (const [schema, reason] of arena.skipSchemas ?? []) tally.leaveOut(`schema ${schema}`, 'all', reason)
  for (const relation of surface.relations) {
    const name = nameOf(relation)
    if (arena.skipSchemas?.has(relation.schema) === true || !'rpf'.includes(relation.kind)) continue
    if (!isAsked(objectOf(relation))) continue
    const planted = witness.planted.get(name)
    const only = arena.owners.get(name)?.only
    if (witness.unread.has(name))
      tally.leaveOut(`table ${name}`, 'writes and keys', 'the time was over before its rows were looked at')
    else if (planted === undefined)
      tally.leaveOut(`table ${name}`, 'writes and keys', 'nobody knows whose its rows are: reads were compared only')
    else if (planted.b.length === 0 && only !== 'A')
      tally.leaveOut(`table ${name}`, 'by key', 'no row of B was planted')
    else if (planted.a.length === 0 && only !== 'B')
      tally.leaveOut(`table ${name}`, 'inserts', 'no row of A was planted')
  }
}

async function connectBoth(arena: Arena): Promise<[Client, Client]> {
  const clients = arena.worlds.map(
    (url) => new Client({ connectionString: url, application_name: 'rowhouse verify' }),
  ) as [Client, Client]
  try {
    for (const client of clients) {
      client.on('error', () => undefined)
      await client.connect()
    }
    return clients
  } catch (error) {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
    throw new RowhouseError('database_unreachable', `A scratch database does not answer: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
