// Inserts one row, and where the database refuses it, changes what it refused and tries again: a local search in which
// Postgres itself is the judge, so that it holds for any check, domain, partition bound or exclusion.
import { DatabaseError } from 'pg'
import type { ClientBase, QueryResult } from 'pg'

import { ident, literal, qualified } from '../quote.ts'
import type { ColumnShape, TableShape } from './describe-tables.ts'
import type { Candidate } from './solve-checks.ts'

/** Values as Postgres writes them. */
export type Row = Record<string, string | null>

export interface InsertWish {
  readonly table: TableShape
  readonly values: Map<string, string | null>
  /** Columns the search leaves alone. */
  readonly fixed: ReadonlySet<string>
  /** Column → the number of the candidate it last held with; shared by the rows of a table. */
  readonly recipe: Map<string, number>
  readonly ordinal: number
  candidates(column: ColumnShape): readonly Candidate[]
  /** Another value of the usual kind. */
  fresh(column: ColumnShape, salt: number): string | null
  random(bound: number): number
}

/** Beyond this a table is reported as one that cannot be filled. */
const ATTEMPTS_MAX = 300

/** Before the first row of a transaction: where a row that is refused goes back to. */
export const FIRST_ROW = 'savepoint planting'
const NEXT_ROW = `release savepoint planting; ${FIRST_ROW}`

const asText = { getTypeParser: () => (value: string | Buffer) => String(value) }

/**
 * Inside a transaction that has sent FIRST_ROW.
 *
 * @returns the row as it stands in the table, or why there is none
 */
export async function insertRow(client: ClientBase, wish: InsertWish): Promise<{ row: Row } | { reason: string }> {
  const byColumn = new Map(wish.table.columns.map((column) => [column.name, column]))
  const known = new Map<string, readonly Candidate[]>()
  const candidatesFor = (column: ColumnShape): readonly Candidate[] => {
    const found = known.get(column.name) ?? wish.candidates(column)
    known.set(column.name, found)
    return found
  }
  for (const [name, at] of wish.recipe) {
    const column = byColumn.get(name)
    const candidate = column === undefined || wish.fixed.has(name) ? undefined : candidatesFor(column)[at]
    if (candidate !== undefined) wish.values.set(name, candidate(wish.ordinal))
  }
  let reason = ''
  const tried = new Map<string, number>()
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const outcome = await tryInsert(client, wish)
    if ('row' in outcome) {
      for (const [name, at] of tried) wish.recipe.set(name, at)
      return outcome
    }
    reason = outcome.error.message
    const blamed = blame(outcome.error, wish, byColumn).filter(
      ({ name, generated }) => !wish.fixed.has(name) && !generated,
    )
    if (blamed.length === 0) return { reason }
    const isTaken = outcome.error.code === '23505' || outcome.error.code === '23P01'
    // First one column at a time, then all that the refusal names.
    const changing = attempt % 3 === 0 ? blamed : [blamed[wish.random(blamed.length)] as ColumnShape]
    for (const column of changing) {
      const candidates = candidatesFor(column)
      const at = wish.random(candidates.length + 1) - 1
      const recipeAt = tried.get(column.name) ?? wish.recipe.get(column.name)
      if (isTaken && recipeAt !== undefined)
        wish.values.set(column.name, candidates[recipeAt]?.(wish.ordinal + attempt) ?? null)
      else if (isTaken || at < 0) {
        wish.values.set(column.name, wish.fresh(column, isTaken ? attempt : wish.random(3)))
        tried.delete(column.name)
      } else {
        wish.values.set(column.name, candidates[at]?.(wish.ordinal) ?? null)
        tried.set(column.name, at)
      }
      if (column.notNull && wish.values.get(column.name) === null) wish.values.set(column.name, wish.fresh(column, 0))
    }
  }
  return { reason: `no row was found that its checks allow: ${reason}` }
}

async function tryInsert(
  client: ClientBase,
  { table, values }: InsertWish,
): Promise<{ row: Row } | { error: DatabaseError }> {
  const columns = [...values.keys()]
  const list =
    columns.length === 0
      ? 'default values'
      : `(${columns.map(ident).join(', ')}) overriding system value values (${[...values.values()].map((value) => (value === null ? 'null' : literal(value))).join(', ')})`
  try {
    // One message, so one round trip; the next row goes back to where this one is in.
    const results = (await client.query({
      text: `insert into ${qualified(table.schema, table.name)} ${list} returning *; ${NEXT_ROW}`,
      types: asText,
    })) as unknown as readonly QueryResult<Row>[]
    return { row: results[0]?.rows[0] ?? Object.fromEntries(values) }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    await client.query('rollback to savepoint planting')
    return { error }
  }
}

/** Which columns a refusal is about. */
function blame(
  error: DatabaseError,
  { table, values }: InsertWish,
  byColumn: ReadonlyMap<string, ColumnShape>,
): ColumnShape[] {
  const columns = (names: readonly string[]): ColumnShape[] =>
    names.map((name) => byColumn.get(name)).filter((column) => column !== undefined)
  const restricted = columns([...new Set(table.checks.flatMap(({ columns: of }) => of))])
  if (error.code === '23505' || error.code === '23P01') {
    const unique = table.uniques.find(({ name }) => name === error.constraint)
    // A unique index of a partition has another name than its parent's; an exclusion constraint is no unique index.
    if (unique !== undefined && unique.columns.length > 0) return columns(unique.columns)
    return table.columns.filter(({ name }) => values.has(name))
  }
  if (error.code === '23502') return columns([error.column ?? ''])
  if (error.code === '23514' || error.code === 'P0001') {
    const check = table.checks.find(({ name }) => name === error.constraint)
    if (check !== undefined && check.columns.length > 0) return columns(check.columns)
    const ofDomain = table.columns.filter(({ text }) => error.dataType !== undefined && text.endsWith(error.dataType))
    if (ofDomain.length > 0) return ofDomain
    const inBounds = table.columns.filter(({ name }) => table.bounds.some((bound) => bound?.includes(name)))
    return inBounds.length > 0 && error.constraint === undefined ? inBounds : restricted
  }
  // A value its type does not take: any column whose type the message names, else any that a check restricts.
  const named = table.columns.filter(
    ({ text, name }) => error.message.includes(text.replace(/\(.*\)/, '')) && values.has(name),
  )
  return named.length > 0 ? named : restricted
}
