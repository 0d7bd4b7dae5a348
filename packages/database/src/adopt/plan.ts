// The plan: every statement in order, from the catalogue as it is and what the user asked for. All that only adds comes
// first, so that the application goes on as it is, ON CONFLICT (id) and its own policies included, and undo is
// exact; all that takes away is in the last step of each table, one short transaction.
import type { ClientBase } from 'pg'
import { escapeLiteral } from 'pg'

import { readFacts, resolveTables } from './facts.ts'
import type { Table } from './facts.ts'
import { addColumn, backfillRows, chooseSource, fillNewRows, handOver, proveRows } from './fill.ts'
import type { Source } from './fill.ts'
import { dropFollow, followParents } from './follow.ts'
import { checkChildren, orderTables } from './graph.ts'
import { buildIndexes, swapKeys } from './keys.ts'
import { quote } from './names.ts'
import { checkOptions } from './options.ts'
import type { AdoptOptions } from './options.ts'
import { checkTable } from './refusals.ts'
import { addReferences, indexReferences, swapReferences } from './references.ts'
import { statement } from './step.ts'
import type { Statement, Step } from './step.ts'

export interface Plan {
  /** Parents first. */
  readonly tables: readonly Table[]
  readonly steps: readonly Step[]
}

/**
 * Makes the plan; changes nothing.
 *
 * @throws RowhouseError invalid_option and what keeps a table from being adopted
 */
export async function makePlan(client: ClientBase, options: AdoptOptions): Promise<Plan> {
  checkOptions(options)
  const oids = await resolveTables(client, options.tables)
  const facts = await readFacts(client, [...new Set(oids)])
  for (const table of facts) checkTable(table, options)
  checkChildren(facts)
  const tables = orderTables(facts)
  const adopted = new Set(tables.map(({ oid }) => oid))
  const protectOptions = await resolveProtect(client, options)
  const sources = new Map<number, Source>()
  for (const table of tables) {
    const given = options.tables[oids.indexOf(table.oid)] as string
    sources.set(table.oid, await chooseSource(client, table, given, adopted, options))
  }
  const sourceOf = (table: Table): Source => sources.get(table.oid) as Source
  const mirrors = new Map(
    [...sources].flatMap(([oid, { mirror }]) => (mirror === null ? [] : [[oid, mirror] as const])),
  )
  const steps = [
    ...tables.flatMap((table) => addColumn(table)),
    ...tables.flatMap((table) => fillNewRows(table, sourceOf(table))),
    ...tables.flatMap((table) => followParents(table, tables, sourceOf)),
    ...tables.flatMap((table) => backfillRows(table, sourceOf(table), options.orphansTo ?? null)),
    ...tables.flatMap((table) => proveRows(table, sourceOf(table))),
    ...tables.flatMap((table) => buildIndexes(table, sourceOf(table).mirror)),
    ...tables.flatMap((table) => indexReferences(table, adopted, mirrors)),
    ...tables.flatMap((table) => addReferences(table, sourceOf(table), adopted, mirrors)),
    // Children before parents: no foreign key may hang on a key that is about to go.
    ...tables
      .toReversed()
      .flatMap((table) =>
        finalStep('switch references', table, [
          ...swapReferences(table, adopted, mirrors),
          ...dropFollow(table, tables, sourceOf),
        ]),
      ),
    ...tables
      .toReversed()
      .flatMap((table) =>
        finalStep('protect', table, [
          ...swapKeys(table, sourceOf(table).mirror),
          ...table.policies.map(({ name }) =>
            statement.exclusive(`drop policy ${quote(name)} on ${table.qualified}`, table.qualified),
          ),
          ...handOver(table, sourceOf(table)),
          protectTable(table, { ...protectOptions, organization_reference: undefined }),
        ]),
      ),
    ...tables.toReversed().flatMap((table) => declareReference(table, protectOptions)),
  ]
  return { tables, steps }
}

const protectTable = (table: Table, options: Record<string, unknown>): Statement =>
  statement.exclusive(
    `select rowhouse.protect(${escapeLiteral(table.qualified)}, ${escapeLiteral(JSON.stringify(options))})`,
    table.qualified,
  )

/**
 * The reference that proved the rows goes in a step of its own: dropping it locks `rowhouse.organizations`, which every
 * sealed transaction reads before it comes to the table. protect() locks the two in that order; a step that held the
 * table's lock already would wait for transactions that wait for it.
 */
function declareReference(table: Table, options: Record<string, unknown>): Step[] {
  const kind = options['organization_reference']
  if (kind === undefined || kind === 'enforced') return []
  const { sql } = protectTable(table, options)
  const lock = `${table.qualified} and rowhouse.organizations`
  return [
    {
      table: table.qualified,
      name: 'reference to organizations',
      mode: 'short',
      statements: [statement.exclusive(sql, lock)],
      undo: [],
      isFinal: true,
    },
  ]
}

/** The lock is taken before anything else, so that what follows waits for nobody. */
function finalStep(name: string, table: Table, statements: readonly Statement[]): Step[] {
  if (statements.length === 0) return []
  const lock = statement.exclusive(`lock table ${table.qualified} in access exclusive mode`, table.qualified)
  return [{ table: table.qualified, name, mode: 'short', statements: [lock, ...statements], undo: [], isFinal: true }]
}

/** As protect() leaves a table that was empty: the reference that proved the rows is only declared from then on, where it can be. */
async function resolveProtect(client: ClientBase, { protect = {} }: AdoptOptions): Promise<Record<string, unknown>> {
  const { rows } = await client.query<{ declared: boolean }>(
    "select current_setting('server_version_num')::int >= 180000 as declared",
  )
  return { ...(rows[0]?.declared === true && { organization_reference: 'declared' }), ...protect }
}
