// The two-world test: every probe, in every context, in two databases that differ in B's rows alone. What A is answered
// must be the same in both, B's rows must stay what they are, and no text of B may be shown. It touches the two
// databases of the arena and nothing else.
import { Client } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'

import type { Arena, AttackContext } from './arena.ts'
import { commitWrites } from './committed.ts'
import { forgingProbes } from './probes/forging.ts'
import { tryGate } from './gate.ts'
import { Lane } from './lane.ts'
import { ATTACK_SECONDS } from './options.ts'
import type { AttackOptions, AttackProgress, AttackResult } from './options.ts'
import { equaliser, succeeded } from './outcome/outcome.ts'
import { inheritOwners } from './owners.ts'
import { planProbes } from './probes/all-probes.ts'
import type { Probe } from './probes/probe.ts'
import { qualified } from './quoting.ts'
import { ruleOf } from './rules.ts'
import { shuffle } from './seed.ts'
import { Session } from './session.ts'
import { shrink } from './shrink.ts'
import { steal } from './stolen.ts'
import { nameOf } from './surface/relations.ts'
import { readSurface } from './surface/surface.ts'
import type { Surface } from './surface/surface.ts'
import { Tally, reproduction } from './tally.ts'
import type { Cell } from './tally.ts'
import { Witness } from './witness.ts'

const LANES_MAX = 8
const SHRINKS_MAX = 60
/** Relations on which a forged context is tried: where one opens, all do. */
const MARKS_MAX = 3
const PROGRESS_EVERY = 100
/** What shows that a relation on which the catalogue gives no privilege is out of reach: the rest would be the same 42501. */
const WITHOUT_PRIVILEGE = new Set(['select', 'count', 'update blind', 'delete blind', 'insert', 'truncate', 'trigger'])
/** Asked inside a context: the relations on which it has any privilege. */
const WITHIN_REACH = `select n.nspname || '.' || c.relname
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and pg_catalog.has_schema_privilege(n.oid, 'usage')
    and (pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update, references')
      or pg_catalog.has_table_privilege(c.oid, 'delete, truncate, trigger'))`

/**
 * Autovacuum would analyze a table in one world a minute before the other, and plans would differ by that alone. Where a
 * table cannot be altered, its plans are compared as they come.
 */
const WITHOUT_AUTOVACUUM = `do $$ declare t regclass; begin
    for t in select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    loop
      begin
        execute pg_catalog.format('alter table %s set (autovacuum_enabled = false)', t);
      exception when others then null;
      end;
    end loop;
  end $$`

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
    await Promise.all(admins.map((admin) => admin.query(WITHOUT_AUTOVACUUM)))
    const surface = await readSurface(admins[0], [...new Set(given.contexts.map(({ login }) => login))])
    const arena = { ...given, owners: inheritOwners(given.owners, surface.relations) }
    const witness = await Witness.look(admins, surface.relations, arena.owners, arena.organizations)
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
    nameWhatIsLeftOut(arena, surface, witness, tally)

    const plan = planProbes(arena, surface, witness, names[0] as string)
    const [early, main, late] = await cellsOf(arena, contexts, reach, plan, surface, witness, admins[0])
    const total = early.length + main.length + late.length
    const sawOwnRows = new Set<string>()
    /** Probes that no time was left for, by object: a line each would be half a million for some thousand tables. */
    const unfinished = new Map<string, number>()
    let next = 0
    let finished = 0
    const attack = async (lane: Lane, cells: readonly Cell[]): Promise<void> => {
      for (let at = next++; at < cells.length; at = next++) {
        const cell = cells[at] as Cell
        if (now() >= end) {
          undecided.add('The time was over before every probe had run.')
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
    // Plans come before anything is written: what is rolled back leaves pages behind, not the same in both worlds.
    await Promise.all(lanes.map((lane) => attack(lane, early)))
    next = 0
    await Promise.all(lanes.map((lane) => attack(lane, main)))
    // Estimates and statistics are there after ANALYZE only, and with them plans could differ by size alone.
    await Promise.all(admins.map((admin) => admin.query('analyze')))
    next = 0
    await Promise.all(lanes.map((lane) => attack(lane, late)))

    for (const [object, count] of unfinished) tally.leaveOut(object, `${count} probes`, 'the time was over')

    for (const context of contexts) {
      if (
        context.actsForA &&
        !sawOwnRows.has(context.name) &&
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
    if (actor !== undefined && options.commits !== false && now() < end) {
      progress('committing', 0, 0)
      await commitWrites(first, actor, { arena, surface, witness, admins, tally })
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
      },
      undecided: [...undecided],
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
    await Promise.all(admins.map((admin) => admin.end().catch(() => undefined)))
  }

  /** Which probe runs in which context: before anything is written, then, and after ANALYZE. */
  async function cellsOf(
    arena: Arena,
    contexts: readonly AttackContext[],
    reach: ReadonlyMap<AttackContext, ReadonlySet<string>>,
    plan: ReturnType<typeof planProbes>,
    surface: Surface,
    witness: Witness,
    admin: Client,
  ): Promise<[Cell[], Cell[], Cell[]]> {
    const cells: Cell[] = []
    const actor = contexts.find(({ actsForA }) => actsForA) ?? contexts[0]
    const rolesDone = new Set<string>()
    for (const context of contexts) {
      for (const probe of plan.probes) {
        if (probe.once === true && context !== actor) continue
        if (probe.sealedOnly === true && context.madeBySql === true) continue
        const isReached = probe.relation === undefined || reach.get(context)?.has(probe.relation) === true
        if (isReached || WITHOUT_PRIVILEGE.has(probe.name)) cells.push({ context, probe })
      }
      if (context.actsForA) {
        const marks = surface.relations
          .filter(
            (relation) => 'rp'.includes(relation.kind) && (witness.planted.get(nameOf(relation))?.b.length ?? 0) > 0,
          )
          .slice(0, MARKS_MAX)
          .map((relation) => ({ sql: qualified(relation.schema, relation.name), object: nameOf(relation) }))
        const stolen = await steal(admin, context, surface.settings)
        const probes = forgingProbes(context, surface.settings, stolen, marks, arena.organizations.b)
        for (const probe of probes) cells.push({ context, probe })
      }
      if (!rolesDone.has(context.login)) {
        rolesDone.add(context.login)
        for (const probe of plan.roleProbes.get(context.login) ?? []) cells.push({ context, probe })
      }
      const reads = plan.probes.filter(({ family, name }) => family === 'read' && name === 'select')
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
      }
    }
    const isLate = ({ probe }: Cell): boolean => probe.family === 'limit' || probe.family === 'catalogue'
    const mixed = shuffle(cells, options.seed ?? 1)
    const isEarly = ({ probe }: Cell): boolean => probe.family === 'plan'
    return [mixed.filter(isEarly), mixed.filter((cell) => !isEarly(cell) && !isLate(cell)), mixed.filter(isLate)]
  }
}

/** @returns in a word what came of it */
async function tryCell(lane: Lane, cell: Cell, tally: Tally, sawOwnRows: Set<string>): Promise<string> {
  const { context, probe } = cell
  const { effect, seen, isNoise, notCovered, outcomes } = await lane.judge(context, probe)
  if (
    probe.name === 'select' &&
    probe.family === 'read' &&
    outcomes.some(({ results }) => (results[0]?.rows.length ?? 0) > 0)
  )
    sawOwnRows.add(context.name)
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

function nameWhatIsLeftOut(arena: Arena, surface: Surface, witness: Witness, tally: Tally): void {
  for (const [schema, reason] of arena.skipSchemas ?? []) tally.leaveOut(`schema ${schema}`, 'all', reason)
  for (const relation of surface.relations) {
    const name = nameOf(relation)
    if (arena.skipSchemas?.has(relation.schema) === true || !'rpf'.includes(relation.kind)) continue
    const planted = witness.planted.get(name)
    const only = arena.owners.get(name)?.only
    if (planted === undefined)
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
