// Running a SuiteQL query: joins, conditions, groups, order, page. Owns the bounds: 100,000 results, and
// how many pairs of rows a join may look at. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157909186990.html
import type { Company } from '../company.ts'
import { resultsMax } from '../page.ts'
import type { Expression, Query, Selected } from './ast.ts'
import { aggregates, compile, keyOf, order, textOf } from './compile.ts'
import type { Evaluate, Scope, Tuple } from './compile.ts'
import { invalidQuery, parseQuery } from './parse.ts'
import { findTable } from './tables.ts'
import type { SqlValue } from './tables.ts'

const joinMax = 5_000_000

export interface Found {
  readonly total: number
  readonly items: readonly Record<string, unknown>[]
}

/** The page of a query's results. Throws INVALID_PARAMETER. */
export function runQuery(company: Company, text: string, now: number, offset: number, limit: number): Found {
  const query = parseQuery(text)
  const sources = query.sources.map(({ table, alias }) => {
    const found = findTable(company, table)
    if (!found) throw invalidQuery(`Record '${table}' was not found.`)
    return { alias, table: found }
  })
  const scope: Scope = { company, now: company.zone.toWall(now), sources }
  const matches = query.where === undefined ? undefined : compile(scope, query.where)
  const tuples: Tuple[] = []
  for (const tuple of join(scope, query)) if (matches === undefined || matches(tuple) === true) tuples.push(tuple)
  const grouped =
    query.groups.length > 0 || query.selected.some(({ expression }) => expression && isAggregate(expression))
  const rows = grouped ? groupRows(scope, query, tuples) : plainRows(scope, query, tuples)
  const distinct = query.distinct ? [...new Map(rows.map((row) => [JSON.stringify(row()), row])).values()] : rows
  const capped = distinct.slice(query.skip, query.skip + Math.min(query.fetch ?? resultsMax, resultsMax))
  return { total: capped.length, items: capped.slice(offset, offset + limit).map((row) => row()) }
}

// Rows are made when they are shown: a page of a hundred thousand shows a thousand.
type MakeRow = () => Record<string, unknown>

function* join(scope: Scope, query: Query): Generator<Tuple> {
  const [first, ...rest] = scope.sources
  let tuples: Iterable<Tuple> = mapRows(first!.table.rows())
  for (const [index, source] of rest.entries()) {
    const { on, outer } = query.sources[index + 1]!
    const at = index + 1
    const partial: Scope = { ...scope, sources: scope.sources.slice(0, at + 1) }
    const accepts = compile(partial, on!)
    const pair = equality(partial, on!, at)
    const rows = [...source.table.rows()]
    const byKey = new Map<string | number | null, unknown[]>()
    if (pair) {
      for (const row of rows) {
        const key = keyOf(pair.inner([...Array.from({ length: at }, () => undefined), row]) as SqlValue)
        byKey.set(key, [...(byKey.get(key) ?? []), row])
      }
    }
    tuples = joined(
      tuples,
      (tuple) => (pair ? (byKey.get(keyOf(pair.outer(tuple) as SqlValue)) ?? []) : rows),
      accepts,
      outer,
    )
  }
  yield* tuples
}

function* mapRows(rows: Iterable<unknown>): Generator<Tuple> {
  for (const row of rows) yield [row]
}

function* joined(
  tuples: Iterable<Tuple>,
  candidates: (tuple: Tuple) => readonly unknown[],
  accepts: Evaluate,
  outer: boolean,
): Generator<Tuple> {
  let looked = 0
  for (const tuple of tuples) {
    let found = false
    for (const row of candidates(tuple)) {
      if (++looked > joinMax) throw invalidQuery('Invalid or unsupported search: the join is too large.')
      const next = [...tuple, row]
      if (accepts(next) !== true) continue
      found = true
      yield next
    }
    if (!found && outer) yield [...tuple, undefined]
  }
}

// The equality of ON by which the newest source can be looked up: one side reads only it, the other only those before.
function equality(scope: Scope, on: Expression, at: number): { inner: Evaluate; outer: Evaluate } | undefined {
  const parts = on.kind === 'and' ? on.parts : [on]
  for (const part of parts) {
    if (part.kind !== 'binary' || part.operator !== '=') continue
    const [left, right] = [sourceOf(scope, part.left), sourceOf(scope, part.right)]
    if (left === at && right !== undefined && right < at)
      return { inner: compile(scope, part.left), outer: compile(scope, part.right) }
    if (right === at && left !== undefined && left < at)
      return { inner: compile(scope, part.right), outer: compile(scope, part.left) }
  }
  return undefined
}

function sourceOf(scope: Scope, expression: Expression): number | undefined {
  if (expression.kind !== 'column') return undefined
  const { table, name } = expression
  const at = scope.sources.findIndex(
    (source) =>
      (table === undefined || source.alias === table || source.table.name === table) &&
      source.table.columns.has(name.toLowerCase()),
  )
  return at === -1 ? undefined : at
}

interface Output {
  readonly name: string
  readonly evaluate: Evaluate
}

function outputsOf(scope: Scope, selected: readonly Selected[]): Output[] {
  return selected.flatMap(({ expression, table, name }, index) => {
    if (expression) return [{ name: name || `expr${index + 1}`, evaluate: compile(scope, expression) }]
    return scope.sources.flatMap((source, at) =>
      table !== undefined && source.alias !== table
        ? []
        : [...source.table.columns.values()].map((column) => ({
            name: column.name,
            evaluate: (tuple: Tuple) => (tuple[at] === undefined ? null : column.read(tuple[at])),
          })),
    )
  })
}

function plainRows(scope: Scope, query: Query, tuples: Tuple[]): MakeRow[] {
  const outputs = outputsOf(scope, query.selected)
  const sorted = sortBy(
    tuples,
    query.orders.map(({ expression, ...rest }) => ({ ...rest, evaluate: orderKey(scope, query, expression, outputs) })),
  )
  return sorted.map((tuple) => () => toItem(outputs.map(({ name, evaluate }) => [name, evaluate(tuple) as SqlValue])))
}

// An order may name a column of the answer, by its alias or its position.
function orderKey(scope: Scope, query: Query, expression: Expression, outputs: readonly Output[]): Evaluate {
  if (expression.kind === 'literal' && typeof expression.value === 'number') {
    const output = outputs[expression.value - 1]
    if (output) return output.evaluate
  }
  if (expression.kind === 'column' && expression.table === undefined) {
    const aliased = query.selected.some(
      ({ name, expression: own }) => own?.kind !== 'column' && name === expression.name.toLowerCase(),
    )
    const output = aliased ? outputs.find(({ name }) => name === expression.name.toLowerCase()) : undefined
    if (output) return output.evaluate
  }
  return compile(scope, expression)
}

function sortBy(
  tuples: Tuple[],
  orders: readonly { evaluate: Evaluate; descending: boolean; nullsFirst: boolean | undefined }[],
): Tuple[] {
  if (orders.length === 0) return tuples
  const keyed = tuples.map((tuple) => ({ tuple, keys: orders.map(({ evaluate }) => evaluate(tuple) as SqlValue) }))
  keyed.sort((a, b) => {
    for (const [index, { descending, nullsFirst }] of orders.entries()) {
      const [left, right] = [a.keys[index]!, b.keys[index]!]
      if (left === null || right === null) {
        if (left === right) continue
        // Oracle puts nulls last, and first when descending.
        return (left === null) === (nullsFirst ?? descending) ? -1 : 1
      }
      const difference = order(left, right) ?? 0
      if (difference !== 0) return descending ? -difference : difference
    }
    return 0
  })
  return keyed.map(({ tuple }) => tuple)
}

function isAggregate(expression: Expression): boolean {
  return expression.kind === 'call' && aggregates.has(expression.name)
}

function groupRows(scope: Scope, query: Query, tuples: Tuple[]): MakeRow[] {
  const keys = query.groups.map((expression) => compile(scope, expression))
  const groups = new Map<string, Tuple[]>()
  if (keys.length === 0) groups.set('', tuples)
  for (const tuple of keys.length === 0 ? [] : tuples) {
    const key = JSON.stringify(keys.map((evaluate) => keyOf(evaluate(tuple) as SqlValue)))
    const group = groups.get(key)
    if (group) group.push(tuple)
    else groups.set(key, [tuple])
  }
  const outputs = query.selected.map(({ expression, name }, index) => {
    if (!expression) throw invalidQuery('Invalid or unsupported search: * cannot be grouped.')
    return { name: name || `expr${index + 1}`, value: aggregateOf(scope, expression) }
  })
  const rows = [...groups.values()].map((group) => outputs.map(({ name, value }) => [name, value(group)] as const))
  const orders = query.orders.map(({ expression, descending }) => {
    const name = expression.kind === 'column' ? expression.name.toLowerCase() : ''
    const at = outputs.findIndex((output) => output.name === name)
    if (at === -1) throw invalidQuery('Invalid or unsupported search: a grouped query is ordered by what it selects.')
    return { at, descending }
  })
  rows.sort((a, b) => {
    for (const { at, descending } of orders) {
      const difference = order(a[at]![1], b[at]![1]) ?? 0
      if (difference !== 0) return descending ? -difference : difference
    }
    return 0
  })
  return rows.map((row) => () => toItem(row))
}

function aggregateOf(scope: Scope, expression: Expression): (group: readonly Tuple[]) => SqlValue {
  if (expression.kind !== 'call' || !aggregates.has(expression.name)) {
    const evaluate = compile(scope, expression)
    return (group) => (group[0] === undefined ? null : (evaluate(group[0]) as SqlValue))
  }
  if (expression.star) return (group) => group.length
  const evaluate = compile(scope, expression.values[0] ?? { kind: 'literal', value: null })
  const valuesOf = (group: readonly Tuple[]): SqlValue[] =>
    group.map((tuple) => evaluate(tuple) as SqlValue).filter((value) => value !== null)
  const sum = (values: readonly SqlValue[]): number => values.reduce<number>((total, value) => total + Number(value), 0)
  switch (expression.name) {
    case 'COUNT':
      return (group) => valuesOf(group).length
    case 'SUM':
      return (group) => sum(valuesOf(group))
    case 'AVG':
      return (group) => {
        const values = valuesOf(group)
        return values.length === 0 ? null : sum(values) / values.length
      }
    default: {
      const sign = expression.name === 'MIN' ? 1 : -1
      return (group) =>
        valuesOf(group).reduce<SqlValue>(
          (best, value) => (best === null || sign * (order(value, best) ?? 0) < 0 ? value : best),
          null,
        )
    }
  }
}

// Every value is text, and what is null is left out: so it is in NetSuite's answers.
function toItem(values: readonly (readonly [string, SqlValue])[]): Record<string, unknown> {
  const item: Record<string, unknown> = { links: [] }
  for (const [name, value] of values) if (value !== null && typeof value !== 'boolean') item[name] = textOf(value)
  return item
}
