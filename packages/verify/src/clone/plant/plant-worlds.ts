// Plants rows for one pass (shared, A, B1 or B2) into a scratch database. Values come from numbers, references from the
// rows of the same pass, and what a CHECK wants is searched for with the database as the judge. User triggers do not
// run: a planted row is what the table says, not what a trigger makes of it. Long because a row's values depend on each
// other: tenant key, references, circles and plain values are decided in one place, in that order.
import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'

import type { NotCovered } from '../../report/report.ts'
import { ident, qualified } from '../quote.ts'
import type { Bound } from '../run-statements.ts'
import { danglingReferences } from './dangling-references.ts'
import { tableName } from './describe-tables.ts'
import type { ColumnShape, Reference, Shapes, TableShape } from './describe-tables.ts'
import { generateValue } from './generate-value.ts'
import { FIRST_ROW, insertRow } from './insert-row.ts'
import type { Row } from './insert-row.ts'
import { keyOf, userReferences } from './ownership.ts'
import type { Ownerships } from './ownership.ts'
import { parentsFirst } from './parents-first.ts'
import { KEY_OF_B, numbersOf, organizationOf } from './pass.ts'
import type { Pass } from './pass.ts'
import { candidatesOf, domainChecksOf } from './solve-checks.ts'
import type { Candidate } from './solve-checks.ts'

export type { Row } from './insert-row.ts'
export type { Pass } from './pass.ts'

/** `schema.table` → column → the value of row `index` in a pass. */
export type Overrides = Readonly<
  Record<string, Readonly<Record<string, (row: { pass: Pass; index: number }) => string | null>>>
>

export interface PlantOptions {
  readonly shapes: Shapes
  readonly model: Ownerships
  readonly seed: string
  /** Values that no shape tells: what Rowhouse's own tables want. */
  readonly overrides: Overrides
  /** Tables whose rows for everybody are made by rule elsewhere, `schema.table`. */
  readonly skip: ReadonlySet<string>
  /** Throws when it has taken too long. */
  readonly bound?: Bound
}

/** What stands in a table, by pass; every value as Postgres writes it. */
export class Planted {
  readonly #rows = new Map<string, Map<Pass, Row[]>>()

  rows(table: string, pass: Pass): readonly Row[] {
    return this.#rows.get(table)?.get(pass) ?? []
  }

  add(table: string, pass: Pass, row: Row): void {
    const passes = this.#rows.get(table) ?? new Map<Pass, Row[]>()
    this.#rows.set(table, passes)
    passes.set(pass, [...(passes.get(pass) ?? []), row])
  }
}

/** Tables planted in one transaction: each holds locks on itself and its indexes, and a server has room for some thousands. */
const TABLES_A_TRANSACTION = 200

/**
 * Plants the rows of one pass.
 *
 * @param planted what earlier passes planted; the new rows are added
 * @returns tables without rows, and why
 */
export async function plantPass(
  client: ClientBase,
  pass: Pass,
  planted: Planted,
  options: PlantOptions,
): Promise<NotCovered[]> {
  const { shapes, model, skip, bound } = options
  const isSkipped = (name: string): boolean => pass === 'shared' && skip.has(name)
  const mine = shapes.tables
    .map((table) => [tableName(table), table] as const)
    .filter(([name]) => !isSkipped(name) && belongsTo(model, name, pass))
    .map(([, table]) => table)
  const notCovered: NotCovered[] = []
  const inTransactions = async <Item>(
    items: readonly Item[],
    use: (group: readonly Item[]) => Promise<void>,
  ): Promise<void> => {
    for (let start = 0; start < items.length; start += TABLES_A_TRANSACTION) {
      bound?.()
      await inTransaction(client, () => use(items.slice(start, start + TABLES_A_TRANSACTION)))
    }
  }
  // Triggers of ENABLE ALWAYS and REPLICA run in replica mode too.
  const always = mine.filter(({ triggers }) => triggers.length > 0)
  await inTransactions(always, async (tables) => {
    await client.query(tables.map((table) => triggerStates(table, () => 'disable')).join(';'))
  })
  const plan = new TablePlan(pass, planted, options)
  await inTransactions(parentsFirst(mine, model), async (tables) => {
    await client.query(FIRST_ROW)
    for (const table of tables) {
      bound?.()
      notCovered.push(...(await plan.fill(client, table)))
    }
  })
  await inTransactions(plan.openEnds, (ends) => plan.closeCircles(client, ends))
  await inTransactions(always, async (tables) => {
    await client.query(
      tables
        .map((table) => triggerStates(table, (enabled) => (enabled === 'A' ? 'enable always' : 'enable replica')))
        .join(';'),
    )
  })
  await inTransactions(mine, async (tables) => {
    notCovered.push(...(await danglingReferences(client, tables, shapes)))
  })
  return notCovered
}

async function inTransaction(client: ClientBase, use: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await client.query(
      `set local search_path = ''; set local row_security = off; set local default_transaction_read_only = off;
       set local session_replication_role = replica; set local client_min_messages = error`,
    )
    await use()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

function belongsTo(model: Ownerships, table: string, pass: Pass): boolean {
  const owner = model.ownership.get(table)
  if (owner === undefined || owner.kind === 'global') return pass === 'shared'
  if (owner.kind === 'schema') return owner.organization === organizationOf(pass)
  return pass !== 'shared'
}

function triggerStates(table: TableShape, stateOf: (enabled: 'A' | 'R') => string): string {
  return table.triggers
    .map(
      ({ name, enabled }) =>
        `alter table ${qualified(table.schema, table.name)} ${stateOf(enabled)} trigger ${ident(name)}`,
    )
    .join(';')
}

interface OpenEnd {
  readonly table: TableShape
  readonly reference: Reference
  readonly row: Row
}

class TablePlan {
  readonly #pass: Pass
  readonly #planted: Planted
  readonly #options: PlantOptions
  readonly #byOid: ReadonlyMap<string, TableShape>
  readonly #users: TableShape | undefined
  readonly #tenants: TableShape | undefined
  /** References left null because their table had no rows yet. */
  readonly openEnds: OpenEnd[] = []

  constructor(pass: Pass, planted: Planted, options: PlantOptions) {
    this.#pass = pass
    this.#planted = planted
    this.#options = options
    this.#byOid = new Map(options.shapes.tables.map((table) => [table.oid, table]))
    this.#users = options.shapes.tables.find((table) => tableName(table) === options.model.usersTable)
    this.#tenants = options.shapes.tables.find((table) => tableName(table) === options.model.tenantTable)
  }

  async fill(client: ClientBase, table: TableShape): Promise<NotCovered[]> {
    const name = tableName(table)
    const { first, rows } = numbersOf(this.#pass, table === this.#tenants)
    /** Which candidate a column last held with; the next row starts from it. */
    const recipe = new Map<string, number>()
    for (let index = 0; index < rows; index += 1) {
      const ordinal = first + index
      const wish = this.#wishFor(table, index, ordinal)
      if ('missing' in wish) {
        return index > 0 ? [] : [{ object: `table ${name}`, probe: `plant ${this.#pass}`, reason: wish.missing }]
      }
      const outcome = await insertRow(client, {
        table,
        values: wish.values,
        fixed: wish.fixed,
        recipe,
        ordinal,
        candidates: (column) => this.#candidates(table, column),
        fresh: (column, salt) => this.#value(table, column, ordinal + salt * SALT_STEP),
        random: randomOf(`${this.#options.seed}:${name}:${this.#pass}:${index}`),
      })
      if ('reason' in outcome) {
        // One row per organization, or per value of an enum: fewer rows are all that the table allows.
        if (index > 0) return []
        return [{ object: `table ${name}`, probe: `plant ${this.#pass}`, reason: outcome.reason }]
      }
      this.#planted.add(name, this.#pass, outcome.row)
      for (const reference of wish.open) this.openEnds.push({ table, reference, row: outcome.row })
    }
    await this.#advanceSequences(client, table, first + rows)
    return []
  }

  /** Fills references that closed a circle, where the row allows it. */
  async closeCircles(client: ClientBase, ends: readonly OpenEnd[]): Promise<void> {
    for (const { table, reference, row } of ends) {
      const parent = this.#byOid.get(reference.table)
      const target = parent === undefined ? undefined : this.#rowsOf(parent)[0]
      const key = table.uniques.find(({ primary }) => primary)?.columns
      if (target === undefined || key === undefined) continue
      const sets = reference.columns.filter((name) => row[name] === null)
      const values = sets.map((name) => target[reference.targets[reference.columns.indexOf(name)] as string] ?? null)
      await client.query('savepoint circle')
      try {
        await client.query(
          `update ${qualified(table.schema, table.name)} set ${sets.map((name, at) => `${ident(name)} = $${at + 1}`).join(', ')}
           where ${key.map((name, at) => `${ident(name)} = $${sets.length + at + 1}`).join(' and ')}`,
          [...values, ...key.map((name) => row[name])],
        )
        sets.forEach((name, at) => {
          row[name] = values[at] ?? null
        })
      } catch {
        // A check that only holds without the reference: the row stays as it was planted.
        await client.query('rollback to savepoint circle')
      }
      await client.query('release savepoint circle')
    }
  }

  /** The values a row starts from; `fixed` are references, the tenant's key and overrides, which no search changes. */
  #wishFor(
    table: TableShape,
    index: number,
    ordinal: number,
  ): { values: Map<string, string | null>; fixed: Set<string>; open: Reference[] } | { missing: string } {
    const name = tableName(table)
    const values = new Map<string, string | null>()
    const fixed = new Set<string>()
    const open: Reference[] = []
    const fix = (column: string, value: string | null): void => {
      values.set(column, value)
      fixed.add(column)
    }
    for (const [column, valueOf] of Object.entries(this.#options.overrides[name] ?? {})) {
      if (table.columns.some((each) => each.name === column)) fix(column, valueOf({ pass: this.#pass, index }))
    }
    this.#fixTenant(table, fix)
    const references = [...table.references, ...userReferences(table, this.#users, this.#users && keyOf(this.#users))]
    for (const reference of references) {
      const parent = this.#byOid.get(reference.table)
      if (reference.columns.every((column) => fixed.has(column))) continue
      const target =
        parent === undefined ? undefined : this.#targetFor(table, parent, reference, values, index, ordinal)
      if (target !== undefined) {
        reference.columns.forEach((column, at) => {
          if (!fixed.has(column)) fix(column, target[reference.targets[at] as string] ?? null)
        })
        continue
      }
      const nullable = reference.columns.filter((column) => !fixed.has(column) && !this.#column(table, column).notNull)
      if (nullable.length === 0) {
        return {
          missing: `its reference ${reference.name} needs a row of ${parent === undefined ? 'a table that cannot be filled' : tableName(parent)}`,
        }
      }
      for (const column of nullable) fix(column, null)
      if (parent !== undefined) open.push(reference)
    }
    for (const column of table.columns) {
      if (values.has(column.name) || column.generated) continue
      if (this.#leavesDefault(column)) continue
      const value = this.#leavesNull(column, index)
        ? null
        : this.#value(table, column, this.#keyOrdinal(table, column, index, ordinal))
      if (value === null && column.notNull && column.default === null && column.identity === '') {
        return { missing: `nothing is known about the type ${column.text} of ${column.name}` }
      }
      if (value !== null || column.default === null) values.set(column.name, value)
    }
    return { values, fixed, open }
  }

  #fixTenant(table: TableShape, fix: (column: string, value: string | null) => void): void {
    const { model } = this.#options
    const column = model.tenantColumn(tableName(table))
    if (column === null || table === this.#tenants || this.#pass === 'shared') return
    const key = this.#tenants === undefined ? undefined : this.#rowsOf(this.#tenants)[0]?.[model.tenantKey ?? '']
    const shape = this.#column(table, column)
    const number = organizationOf(this.#pass) === 'A' ? 1 : KEY_OF_B
    fix(column, key ?? this.#value(undefined, shape, number))
  }

  /** The organization itself keeps its key in both worlds. */
  #keyOrdinal(table: TableShape, column: ColumnShape, index: number, ordinal: number): number {
    const isKey = table === this.#tenants && column.name === this.#options.model.tenantKey
    return isKey && index === 0 ? (organizationOf(this.#pass) === 'A' ? 1 : KEY_OF_B) : ordinal
  }

  /** What A has looks the usual way; what B has differs as much as it may. */
  #leavesDefault(column: ColumnShape): boolean {
    if (column.default === null || organizationOf(this.#pass) === 'B') return false
    const type = this.#options.shapes.types.get(column.type)
    return type?.name === 'bool' || type?.labels !== null
  }

  /** A row that was deleted or has expired shows nothing to a policy: all of A's but the last are alive. */
  #leavesNull(column: ColumnShape, index: number): boolean {
    if (column.notNull || organizationOf(this.#pass) === 'B' || index > 1) return false
    return /delet|remov|archiv|revok|cancel|ban|suspend|disabl|expir|block/i.test(column.name)
  }

  #value(table: TableShape | undefined, column: ColumnShape, ordinal: number): string | null {
    const { seed, shapes } = this.#options
    const whose = organizationOf(this.#pass) ?? 'all'
    const place =
      table === undefined ? `${seed} organization` : `${whose} ${seed === '' ? '' : `${seed} `}${tableName(table)}`
    return generateValue({ type: column.type, typmod: column.typmod, label: column.name, place, ordinal }, shapes.types)
  }

  #rowsOf(table: TableShape): readonly Row[] {
    const name = tableName(table)
    const own = this.#planted.rows(name, this.#pass)
    return own.length > 0 ? own : this.#planted.rows(name, 'shared')
  }

  #targetFor(
    table: TableShape,
    parent: TableShape,
    reference: Reference,
    values: ReadonlyMap<string, string | null>,
    index: number,
    ordinal: number,
  ): Row | undefined {
    if (parent === table) return this.#selfTarget(table, reference, values, index, ordinal)
    const rows = this.#rowsOf(parent)
    const fits = (row: Row): boolean =>
      reference.columns.every(
        (column, at) => !values.has(column) || values.get(column) === row[reference.targets[at] as string],
      )
    const fitting = rows.filter(fits)
    if (fitting.length > 0) return fitting[index % fitting.length]
    const isNullable = reference.columns.some((column) => !values.has(column) && !this.#column(table, column).notNull)
    if (isNullable || rows.length > 0) return undefined
    // A circle without a null in it: the row that will be there, as it will be made.
    return this.#expectedRow(parent, reference.targets, index)
  }

  /** The first row of a tree has no parent, or is its own; the others hang below the one before. */
  #selfTarget(
    table: TableShape,
    reference: Reference,
    values: ReadonlyMap<string, string | null>,
    index: number,
    ordinal: number,
  ): Row | undefined {
    const before = this.#planted.rows(tableName(table), this.#pass)[index - 1]
    if (before !== undefined) return before
    if (reference.columns.some((column) => !values.has(column) && !this.#column(table, column).notNull))
      return undefined
    return Object.fromEntries(
      reference.targets.map((target) => [
        target,
        values.get(target) ??
          this.#value(
            table,
            this.#column(table, target),
            this.#keyOrdinal(table, this.#column(table, target), index, ordinal),
          ),
      ]),
    )
  }

  #expectedRow(parent: TableShape, targets: readonly string[], index: number): Row | undefined {
    if (!belongsTo(this.#options.model, tableName(parent), this.#pass)) return undefined
    const { first, rows } = numbersOf(this.#pass, parent === this.#tenants)
    if (rows === 0) return undefined
    const tenantColumn = this.#options.model.tenantColumn(tableName(parent))
    const row: Row = {}
    for (const target of targets) {
      const column = this.#column(parent, target)
      if (target === tenantColumn && parent !== this.#tenants) {
        this.#fixTenant(parent, (name, value) => {
          row[name] = value
        })
      } else
        row[target] = this.#value(
          parent,
          column,
          this.#keyOrdinal(parent, column, index % rows, first + (index % rows)),
        )
    }
    return row
  }

  #candidates(table: TableShape, column: ColumnShape): Candidate[] {
    const { types } = this.#options.shapes
    const checks = table.checks
      .filter(({ columns }) => columns.includes(column.name) || columns.length === 0)
      .map(({ definition }) => definition)
    const bounds = table.bounds.filter((bound): bound is string => bound !== null && bound.includes(column.name))
    return candidatesOf(column, [...checks, ...domainChecksOf(column.type, types), ...bounds], types)
  }

  #column(table: TableShape, name: string): ColumnShape {
    return table.columns.find((column) => column.name === name) as ColumnShape
  }

  /** What a default takes next must be free, and says how much was planted: as it would be in life. */
  async #advanceSequences(client: ClientBase, table: TableShape, next: number): Promise<void> {
    for (const { sequence } of table.columns) {
      if (sequence === null) continue
      await client.query('savepoint sequence')
      try {
        await client.query(
          'select pg_catalog.setval($1::regclass, greatest($2::bigint, s.seqmin, s.seqstart + $2), false) from pg_catalog.pg_sequence s where s.seqrelid = $1::regclass',
          [sequence, next],
        )
      } catch {
        // A sequence that ends before: it stays where it starts.
        await client.query('rollback to savepoint sequence')
      }
      await client.query('release savepoint sequence')
    }
  }
}

/** Far from every other number, so that a fresh value meets no planted one. */
const SALT_STEP = 1_000

/** A small seeded generator: numbers from 0 to bound - 1. */
function randomOf(seed: string): (bound: number) => number {
  let state = createHash('sha256').update(seed).digest().readUInt32BE(0)
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0
    return bound <= 0 ? 0 : state % bound
  }
}
