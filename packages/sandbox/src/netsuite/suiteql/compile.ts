// Expressions to functions over rows. Owns SuiteQL's meaning of comparison (nulls are neither less nor
// greater, numbers in text count as numbers) and its functions; what is constant is worked out once,
// because a poll asks it of a hundred thousand rows.
import type { Company } from '../company.ts'
import type { Expression } from './ast.ts'
import { invalidQuery } from './parse.ts'
import type { Column, Row, SqlValue, Table } from './tables.ts'
import { Wall, formatWall, parseByMask } from './wall.ts'
import { parseWall } from '../zone.ts'

/** One row of each source, by position; undefined where an outer join found none. */
export type Tuple = readonly Row[]
export type Evaluate = (tuple: Tuple) => SqlValue | boolean

export interface Scope {
  readonly company: Company
  /** Wall clock of now. */
  readonly now: number
  readonly sources: readonly { readonly alias: string; readonly table: Table }[]
}

export const aggregates = new Set(['COUNT', 'MIN', 'MAX', 'SUM', 'AVG'])

/** Throws INVALID_PARAMETER for unknown columns and functions. */
export function compile(scope: Scope, expression: Expression): Evaluate {
  const evaluate = compileAny(scope, expression)
  if (!isConstant(expression)) return evaluate
  const value = evaluate([])
  return () => value
}

function compileAny(scope: Scope, expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal':
      return () => expression.value
    case 'column':
      return readColumn(scope, expression.table, expression.name)
    case 'call':
      return compileCall(scope, expression)
    case 'binary':
      return compileBinary(scope, expression)
    case 'and': {
      const parts = expression.parts.map((part) => compile(scope, part))
      return (tuple) => parts.every((part) => part(tuple) === true)
    }
    case 'or': {
      const parts = expression.parts.map((part) => compile(scope, part))
      return (tuple) => parts.some((part) => part(tuple) === true)
    }
    case 'not': {
      const part = compile(scope, expression.part)
      return (tuple) => part(tuple) === false
    }
    case 'null': {
      const part = compile(scope, expression.part)
      return (tuple) => ((part(tuple) ?? null) === null) !== expression.negated
    }
    case 'in': {
      const part = compile(scope, expression.part)
      const wanted = expression.values.map((value) => compile(scope, value))
      const keys = expression.values.every((value) => isConstant(value))
        ? new Set(wanted.map((value) => keyOf(value([]) as SqlValue)))
        : undefined
      return (tuple) => {
        const value = part(tuple) as SqlValue
        if (value === null) return false
        const found = keys
          ? keys.has(keyOf(value))
          : wanted.some((other) => keyOf(other(tuple) as SqlValue) === keyOf(value))
        return found !== expression.negated
      }
    }
    case 'between':
      break
  }
  const [part, low, high] = [expression.part, expression.low, expression.high].map((inner) => compile(scope, inner))
  return (tuple) => {
    const value = part!(tuple) as SqlValue
    const above = order(value, low!(tuple) as SqlValue)
    const below = order(value, high!(tuple) as SqlValue)
    return above !== undefined && below !== undefined && (above >= 0 && below <= 0) !== expression.negated
  }
}

function readColumn(scope: Scope, table: string | undefined, name: string): Evaluate {
  if (table === undefined && name.toUpperCase() === 'SYSDATE') {
    const now = new Wall(scope.now)
    return () => now
  }
  const { column, at } = findColumn(scope, table, name)
  return (tuple) => {
    const row = tuple[at]
    return row === undefined ? null : column.read(row)
  }
}

function findColumn(scope: Scope, table: string | undefined, name: string): { column: Column; at: number } {
  for (const [at, source] of scope.sources.entries()) {
    if (table !== undefined && source.alias !== table && source.table.name !== table) continue
    const column = source.table.columns.get(name.toLowerCase())
    if (column) return { column, at }
  }
  const record = table ?? scope.sources[0]?.table.name ?? ''
  throw invalidQuery(`Field '${name}' for record '${record}' was not found. Reason: REMOVED - Field is removed.`)
}

function compileBinary(scope: Scope, { operator, left, right }: Extract<Expression, { kind: 'binary' }>): Evaluate {
  const [a, b] = [compile(scope, left), compile(scope, right)]
  const value = (evaluate: Evaluate, tuple: Tuple): SqlValue => evaluate(tuple) as SqlValue
  switch (operator) {
    case '=':
      return (tuple) => order(value(a, tuple), value(b, tuple)) === 0
    case '<>':
    case '!=':
      return (tuple) => (order(value(a, tuple), value(b, tuple)) ?? 0) !== 0
    case '<':
      return (tuple) => (order(value(a, tuple), value(b, tuple)) ?? 0) < 0
    case '<=':
      return (tuple) => (order(value(a, tuple), value(b, tuple)) ?? 1) <= 0
    case '>':
      return (tuple) => (order(value(a, tuple), value(b, tuple)) ?? 0) > 0
    case '>=':
      return (tuple) => (order(value(a, tuple), value(b, tuple)) ?? -1) >= 0
    case 'LIKE': {
      const pattern = (text: SqlValue): RegExp =>
        new RegExp(
          `^${String(text ?? '')
            .replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
            .replaceAll('%', '[^]*')
            .replaceAll('_', '[^]')}$`,
        )
      const fixed = isConstant(right) ? pattern(value(b, [])) : undefined
      return (tuple) => {
        const text = value(a, tuple)
        return text !== null && (fixed ?? pattern(value(b, tuple))).test(String(text))
      }
    }
    case '||':
      return (tuple) => `${textOf(value(a, tuple))}${textOf(value(b, tuple))}`
    default:
      return (tuple) => arithmetic(operator, value(a, tuple), value(b, tuple))
  }
}

function arithmetic(operator: string, left: SqlValue, right: SqlValue): SqlValue {
  if (left === null || right === null) return null
  // Dates and numbers add up to dates, in days, as in Oracle.
  if (left instanceof Wall && !(right instanceof Wall)) {
    return new Wall(left.at + (operator === '-' ? -1 : 1) * Number(right) * 86_400_000)
  }
  if (left instanceof Wall && right instanceof Wall) return (left.at - right.at) / 86_400_000
  const [a, b] = [Number(left), Number(right)]
  if (operator === '+') return a + b
  if (operator === '-') return a - b
  return operator === '*' ? a * b : a / b
}

function compileCall(scope: Scope, { name, values }: Extract<Expression, { kind: 'call' }>): Evaluate {
  if (aggregates.has(name)) throw invalidQuery(`Invalid or unsupported search: ${name} is not allowed there.`)
  const evaluated = values.map((value) => compile(scope, value))
  const given = (tuple: Tuple, index: number): SqlValue => (evaluated[index]?.(tuple) ?? null) as SqlValue
  const text =
    (work: (text: string) => SqlValue): Evaluate =>
    (tuple) => {
      const value = given(tuple, 0)
      return value === null ? null : work(textOf(value))
    }
  switch (name) {
    case 'BUILTIN.DF': {
      const [first] = values
      if (first?.kind !== 'column') throw invalidQuery('BUILTIN.DF needs a field.')
      const { column, at } = findColumn(scope, first.table, first.name)
      const show = column.display ?? column.read
      return (tuple) => (tuple[at] === undefined ? null : show(tuple[at]))
    }
    case 'TO_DATE':
    case 'TO_TIMESTAMP':
      return (tuple) => {
        const value = given(tuple, 0)
        return value === null ? null : parseByMask(textOf(value), textOf(given(tuple, 1) ?? 'MM/DD/YYYY'))
      }
    case 'TO_CHAR':
      return (tuple) => {
        const value = given(tuple, 0)
        if (value === null) return null
        const mask = given(tuple, 1)
        return value instanceof Wall && mask !== null ? formatWall(value, textOf(mask)) : textOf(value)
      }
    case 'TO_NUMBER':
      return text((value) => Number(value))
    case 'TRUNC':
      return (tuple) => {
        const value = given(tuple, 0)
        return value instanceof Wall
          ? new Wall(Math.floor(value.at / 86_400_000) * 86_400_000)
          : value === null
            ? null
            : Math.trunc(Number(value))
      }
    case 'LOWER':
      return text((value) => value.toLowerCase())
    case 'UPPER':
      return text((value) => value.toUpperCase())
    case 'TRIM':
      return text((value) => value.trim())
    case 'LENGTH':
      return text((value) => value.length)
    case 'NVL':
    case 'COALESCE':
      return (tuple) => evaluated.map((value) => value(tuple) as SqlValue).find((value) => value !== null) ?? null
    default:
      throw invalidQuery(`Invalid or unsupported search: the function ${name} is not known.`)
  }
}

/** Less than, equal or greater; undefined when one side is null. */
export function order(a: SqlValue, b: SqlValue): number | undefined {
  if (a === null || b === null) return undefined
  if (a instanceof Wall || b instanceof Wall) {
    const [left, right] = [wallOf(a), wallOf(b)]
    if (left === undefined || right === undefined)
      throw invalidQuery('Invalid or unsupported search: a date compares with TO_DATE(…) or in the format M/D/YYYY.')
    return left - right
  }
  if (typeof a === 'number' || typeof b === 'number') {
    const difference = Number(a) - Number(b)
    return Number.isNaN(difference) ? (String(a) < String(b) ? -1 : 1) : difference
  }
  return a < b ? -1 : a > b ? 1 : 0
}

/** A date, or text in the company's date format, as a wall clock. */
function wallOf(value: SqlValue): number | undefined {
  if (value instanceof Wall) return value.at
  return typeof value === 'string' ? parseWall(value) : undefined
}

/** A key that is the same exactly for equal values. */
export function keyOf(value: SqlValue): string | number | null {
  if (value instanceof Wall) return value.at
  if (typeof value !== 'string') return value
  return value !== '' && Number.isFinite(Number(value)) ? Number(value) : value
}

export function textOf(value: SqlValue): string {
  return value === null ? '' : String(value)
}

export function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case 'literal':
      return true
    case 'column':
      return false
    case 'call':
      return (
        !expression.star && expression.name !== 'BUILTIN.DF' && expression.values.every((value) => isConstant(value))
      )
    case 'binary':
      return isConstant(expression.left) && isConstant(expression.right)
    case 'and':
    case 'or':
      return expression.parts.every((part) => isConstant(part))
    case 'not':
    case 'null':
      return isConstant(expression.part)
    case 'in':
      return isConstant(expression.part) && expression.values.every((value) => isConstant(value))
    case 'between':
      break
  }
  return [expression.part, expression.low, expression.high].every((part) => isConstant(part))
}
